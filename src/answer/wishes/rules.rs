//! The patterns of wishes. They are matched against lower case text with narrow letters and digits.

use crate::domain::task::TaskKind;

/// Asks how something is done, in general, or whether it is done at all: the documents answer that.
pub const HOW_TO: &[&str] = &[
    r"^(请问)?(怎么|怎样|如何|在哪里?|哪里)(可以|能)?(改|修改|更改|取消|开|申请|备注|催)",
    r"(怎么|如何)(改|修改|更改|取消|开发票|开票|申请|备注)",
    r"^(请问)?(你们|店里|店铺)?(可以|能|能不能|可不可以|支持|是否|有没有|提供).{0,4}(开|提供|有)?.{0,4}发票(吗|么|不)?[?？。!]*$",
    r"^(can i|how (do|can|to|would)|where (do|can)|is it possible to|do you|does|what (is|are|happens)|are there|will (i|you) be charged)\b",
];

/// Says that something is not wanted, or was done.
pub const NOT: &[&str] = &[
    r"(不要|别|不用|无需|不必|没有?|不想)(再)?(帮我|给我)?(取消|改|催|备注|开发票)|已经?(取消|改好|改了|备注|开好)",
    r"\b(don'?t|do not|didn'?t|did not|never|no need to) (want to )?(cancel|change|update|ship it later)\b|\b(was|were|been|got) cancel",
];

/// Wishes to have something changed, the more particular ones first.
pub const CHANGES: &[(TaskKind, &[&str])] = &[
    (
        TaskKind::Cancel,
        &[
            r"(取消|撤销|退掉).{0,6}(订单|这一?单|那一?单|单子|这笔|刚才的|下的单)|(订单|单子|这一?单|刚下的).{0,8}(取消|撤销|不要了)|不想买了|不买了|拍错了|下错单|买错了.{0,6}(取消|不要)",
            r"\bcancel\b.{0,30}\b(order|purchase|it)\b|\border\b.{0,20}\bcancel(l?ed)?\b|\b(don'?t|no longer) (want|need)\b.{0,20}\b(order|it any ?more|purchase)\b|\bordered\b.{0,25}\bby mistake\b",
        ],
    ),
    (
        TaskKind::Address,
        &[
            r"(改|换|修改|变更|更改|更换|更新)(一下|下|成|个|掉)?.{0,5}(收货|收件|配送|邮寄|寄送)?(地址|收货人|收件人|联系电话|手机号)|(地址|收货人|收件人|门牌号|电话|手机号).{0,6}(写错|填错|错了|填的不对|不对|改|换|变了)|(寄|送|发)(到|去).{0,6}(另外|另一|别的|新)(的)?.{0,4}(地址|地方)|(改|换)(寄|送)到",
            r"\b(change|update|correct|fix|edit|modify|switch|amend)\b.{0,30}\b(address|recipient|phone number|postcode|zip code)\b|\b(wrong|incorrect|old|previous) (delivery |shipping |home )?address\b|\b(send|ship|deliver|redirect) (it|this|that|my order|the order|the parcel|my parcel|my package)\b.{0,20}\b(another|different|new|other)\b.{0,12}\b(address|place|location)\b|\baddress\b.{0,15}\b(is wrong|has changed|needs? to be changed)\b",
        ],
    ),
    (
        TaskKind::Invoice,
        &[
            r"(帮|给|麻烦|请|我要|需要|想要|补|补开).{0,8}(开|补|寄|发|要)?.{0,6}(发票|专票|普票|增票)|(抬头|税号)(是|:|为)?.{0,30}|(发票|专票).{0,6}(抬头|税号|还没|没收到|开一下|发我|发给我)|开(一?张|个|下).{0,4}(发票|专票|普票)",
            r"\b(need|want|send|issue|e-?mail|get|give|make|require|request|forward)\b.{0,25}\b(invoice|vat receipt|tax receipt)\b|\binvoice\b.{0,20}\b(please|for my order|to my e-?mail)\b",
        ],
    ),
    (
        TaskKind::ShipDate,
        &[
            r"(先|暂时|暂)(别|不要?|不用)(急着)?.{0,3}(发货|发|寄)|(推迟|延迟|延后|延期|晚(点|几天|一点|些)|过(几天|段时间)|提前|改(天|日|期|时间)).{0,6}(发货|发出|寄出|再发|再寄|发)|(\d+[号日]|周[一二三四五六日天末]|星期.|下周.?|下个?月|月底|月初|节后|年后|过完年)(以?后)?.{0,4}(再|才)?(发货|发出|寄出|再发|再寄)|发货(时间|日期).{0,6}(改|推|延|换|调)",
            r"\b(delay|postpone|hold off|push back|reschedule|put off|hold)\b.{0,30}\b(ship|shipping|shipment|dispatch|order|delivery|sending)\b|\b(ship|send|dispatch)\b.{0,20}\b(later|next (week|month)|after (the )?\d|after (mon|tues|wednes|thurs|fri|satur|sun)day|on (mon|tues|wednes|thurs|fri|satur|sun)day)\b|\b(don'?t|do not) (ship|send|dispatch)\b.{0,25}\b(yet|until|before|now)\b|\b(change|move)\b.{0,20}\b(ship(ping)?|dispatch) date\b",
        ],
    ),
    (
        TaskKind::UrgeShipping,
        &[
            r"催.{0,4}(发货|一下|下单|单|仓库)|(怎么|为什么|为啥|咋).{0,3}(还不|还没|还没有|迟迟不)(给我)?(发货|发出|发)|(快点|快些|赶紧|赶快|尽快|尽早|早点|马上|抓紧|加急).{0,4}(发货|发出|安排|寄|发一?下|发$)|(发货|发出|寄出).{0,4}(快点|快一?点|赶紧|尽快|加急)|(能不能|可以|能).{0,3}(快点|今天|马上|尽快|加急).{0,4}(发货|发出|发|寄)",
            r"\b(hurry up|rush|expedite|speed up)\b.{0,30}\b(order|ship\w*|dispatch|delivery|it|parcel)\b|\b(ship|send|dispatch)\b.{0,20}\b(asap|as soon as possible|sooner|faster|quickly|today|right away|immediately)\b|\bwhy (hasn'?t|haven'?t|has|have|isn'?t|is)\b.{0,30}\b(shipped|dispatched|sent)\b( yet)?|\bstill (hasn'?t|has not|not) (been )?(shipped|dispatched|sent)\b|\bneed (it|this|my order) (urgently|sooner|by)\b",
        ],
    ),
    (
        TaskKind::Remark,
        &[
            r"(帮|麻烦|请|给|劳驾).{0,8}备注|备注(一下|下|上|好|:|写)|(加|写|改|添)(个|一个|一下|下|条)?备注|(放|写|附)(张|一张|个|上)?.{0,3}(贺卡|卡片|祝福|留言)|(包装|盒子).{0,6}(好看|礼盒|礼品)(一点|包装|装)",
            r"\b(add|leave|put|include|write|attach)\b.{0,20}\b(note|remark|comment|gift (card|message|note)|message|instruction)\b|\bgift ?-?wrap\b.{0,12}\b(it|this|my|please)\b",
        ],
    ),
];

/// Asks how far an order is.
pub const STATUS: &[&str] = &[
    r"到哪|在哪|哪里|哪儿|什么地方|到了(吗|没|么)|没到|没动|不动|没更新|什么时候|啥时候|几时|何时|多久|几天|还没|查|状态|进度|进展|物流|跟踪|单号|发了?(吗|没)|发货了",
    r"\b(where|when|status|track\w*|eta|arriv\w*|yet|late|delayed|how (far|long)|on (its|the) way|shipped|moved|moving|check on|progress|update on)\b",
];

/// About something else than how far it is: money, faults, what is missing.
pub const NOT_STATUS: &[&str] = &[
    r"退款|退货|退钱|换货|坏|破|碎|漏|少(发|了|一)|发错|错了|丢(件|了|失)|没收到.{0,4}(货|但|却|显示)|显示.{0,4}(签收|已收)|赔|投诉|发票|假",
    r"\b(refund\w*|return(ed|ing)?|broken|damaged|missing|wrong|lost|stolen|never (arrived|came|received)|says? (it was )?delivered|complain\w*|invoice|fake|defective|incomplete)\b",
];

//! The patterns of [`hear`](mod@super::hear). They are matched against lower case text with narrow letters and digits, one
//! clause at a time, but for what spoils a whole sentence.

use super::CommitmentKind::{self, Change, Check, Compensate, Deliver, Invoice, Refund, Reply, Resend, Ship, Urge};

/// What is done, in Chinese; the first that fits names the kind.
pub const ACTIONS_ZH: &[(CommitmentKind, &str)] = &[
    (
        Resend,
        r"补发|重发|补寄|重新(给(您|你))?(发|寄)|换(一个|一件|一双|个|件)?新(的)?|(发|寄)(一个|一件|一双|个|件)新的",
    ),
    (
        Compensate,
        r"补偿|赔付|赔偿|补(您|你)?(差价|券)|(送|发|补|赠)(您|你)?.{0,6}(优惠券|红包|代金券|小礼物|赠品|礼品)",
    ),
    (Refund, r"退款|退钱|退(还|回)?(您|你)?.{0,4}(差价|运费|邮费|押金|货款)|打款|返现|退给(您|你)"),
    (Invoice, r"(开|补开|补|寄|发).{0,4}发票|发票.{0,10}(开|补|寄|发)|开票"),
    (
        Change,
        r"(修改|更改|变更|改|换).{0,6}(地址|电话|收货|尺码|颜色|规格|款)|备注|(取消|拦截|截停).{0,4}(订单|快递|包裹|这单)",
    ),
    (Urge, r"催|加急|优先(处理|安排|给|发)"),
    (
        Ship,
        r"发货|发出|寄出|出库|安排(发|寄)|(给|帮|为|替)(您|你)(先|优先|单独|都|就)?(发|寄)|(发|寄)(走|过去)|发(顺丰|快递|中通|圆通|韵达|京东)|(今天|今晚|明天|明早|后天|马上|立刻).{0,8}(发|寄)(的|哦|哈|呢|啦|吧)?$",
    ),
    (
        Reply,
        r"(回复|答复|联系|通知|告知|告诉)(到)?(您|你|亲)|(给|跟|和|与|向)(您|你|亲)(一个|个|一下|再|打|发|做)?(回复|答复|消息|结果|回电|电话|回话|说法|反馈|联系|同步)|回电",
    ),
    (
        Check,
        r"核实|核对|核查|查(一下|一查|询|明|证|下|看|清)|确认|问(一下|下|问|清)|了解(一下|下|情况)|反馈|跟进|跟踪|盯着|登记|上报|申请|联系",
    ),
    (Deliver, r"送到|送达|到货|收到货|收到商品|收得到"),
];

/// Whoever says this does it, or has it done.
pub const SELF_ZH: &str = r"我|咱|本店|小店|这边|客服|专员|同事|售后|工作人员|主管|仓库|财务|(给|帮|为|替|跟|和|与|向)(您|你|亲)|(回复|答复|联系|通知|告知|告诉|退还|补偿|赔付|赔偿|返现)(您|你|亲)";

/// It is done for this very buyer.
pub const FOR_YOU_ZH: &str = r"(给|帮|为|替)(您|你|亲)";

/// A time that can be looked at on a clock; where it stands, less has to be said of who does it.
pub const NEAR_ZH: &str = r"今天|今日|今晚|今早|明天|明日|明早|明晚|后天|下?周[一二三四五六日天末]|星期[一二三四五六日天]|\d+月\d+|\d+号|\d+点";

/// As good as at once.
pub const SOON_ZH: &str = r"马上|立即|立刻|尽快|尽早|第一时间";

/// Not now: who says so comes back.
pub const LATER_ZH: &str = r"会|稍后|稍晚|待会|等会|一会|等下|有(了)?(结果|消息|进展|答复)|(小时|分钟|天|工作日)(之?内|以内|左右|之?后)|下班前|周内";

/// Spoils a clause: refused, conceivable, asked of the buyer, or over.
pub const NOT_ZH: &[&str] = &[
    r"不(能|会|可以|可|支持|提供|予|给|再|用|需要|需|了|得|是|发|退|换|补|包)|无法|没法|没办法|没有|未|别(发|退|寄|催)|暂停|停止|拒绝|缺货",
    r"预计|估计|可能|应该|大概|也许|或许|希望|建议|一般|通常|默认|正常|原则上|每天|每日|平时|都是|均|统一|规定|规则|政策|标准|时效|为准|活动|须知|说明([^书]|$)|周.(到|至|-)周",
    r"支持|无理由|享受?|有效期|保修|质保|包邮",
    r"((^|[^申邀])请|麻烦|辛苦|劳烦)(您|你|亲)?.{0,8}(提供|联系|发|寄|告知|告诉|回复|确认|核实|核对|查|申请|备注|拍|填|登记|收)",
    r"(^|[^给帮为替跟和与向])(您|你|亲)(这边|可以|需要|自己|自行|先|再|去|把|点|直接|要是|申请|联系|确认|收到|提交|退|寄|发)",
];

/// Over: unless a time to come stands beside it.
pub const PAST_ZH: &str = r"已|过了|刚才|刚刚|昨天|前天|上周|之前|(发|寄|退|补|催|查|问|换|开|申请|登记|反馈|备注|回复|联系|通知|核实|确认)(货|出|款|票|询)?(好|完|过)?了";

/// Conceivable, unless a time stands beside it.
pub const MAY_ZH: &str = r"可以|能(够)?(给|帮|为|替|发|退|补|换|安排)|可(给|帮|为)|要不|或者";

/// Spoils the sentence: a question, a condition, somebody else's words, what holds for everybody.
pub const SENTENCE_ZH: &[&str] = &[
    r"吗|呢[?!]*$|么$|是不是|能不能|可不可以|要不要|需不需要|需要我|什么时候|多久|怎么",
    r"如果|假如|若|要是|的话|除非|一旦|万一|只有|凡|只要|为了",
    r"(下单|付款|拍下|支付|签收|审核(通过)?|收到(货|退货|商品|包裹|退回)?|寄回|退回|入库|到仓|确认收货|出库|揽收)(之)?(后|以后)|(前|之前)(下单|付款|拍下)|(下单|付款|拍下)(的)?(订单|当天)",
    r"(您|你|买家|顾客|快递(员|小哥|公司)?|物流|平台|系统|商家|厂家|他们?|她们?|仓库|同事|财务|那边|对方)(刚才|之前|已经|那边|也|都)?(说|提到|反馈说|反馈称|表示|告诉我|回复说|显示|承诺|答应)",
    r"“|「|所有|全店|全场|本店(支持|承诺|提供)|我们店(支持|承诺|提供)|每(个|位|单|一)|凡是|任何",
];

/// What is only said to be polite, and what it is cut out as.
pub const COURTESY_ZH: &str = r"(请|麻烦)?(您|你|亲)?(先)?(稍等|稍候|放心|耐心(等待|等候)?|别(着急|急|担心)|不(要|用)(着急|急|担心)|久等了?)(一下|片刻|哦|哈|呢|下)?";

/// Not the buyer alone hears of it: somebody has to be asked, or it goes on after the chat.
pub const LASTING_ZH: &str = r"仓库|快递|物流|财务|同事|技术|厂家|品牌|主管|经理|领导|售后|专员|采购|站点|网点|跟进|跟踪|盯着|反馈|登记|上报|申请|核实|核查";

/// What is done, in English; the first that fits names the kind.
pub const ACTIONS_EN: &[(CommitmentKind, &str)] = &[
    (
        Resend,
        r"\b(resend|reship|re-send|send (you )?(out )?(a |another |the )?(new|replacement|missing)\b|replace (it|them|the \w+))|\breplacement\b.{0,20}\b(be )?(sent|shipped|out)\b",
    ),
    (
        Compensate,
        r"\b(compensat\w+|make it up to you|credit your account|(send|give|issue) you .{0,20}(coupon|voucher|gift card|credit))\b",
    ),
    (Refund, r"\brefund(ed)?\b|\breimburse\w*|\bmoney back\b|\breturn your (money|deposit)\b"),
    (
        Invoice,
        r"\b(send|issue|email|forward|make out|write)\b.{0,20}\binvoice\b|\binvoice\b.{0,20}\bbe (sent|issued|emailed)\b",
    ),
    (
        Change,
        r"\b(change|update|correct|cancel|amend|intercept)\b.{0,25}\b(address|order|phone|size|colou?r|parcel|delivery)\b|\badd (a |the )?(note|remark)\b",
    ),
    (Urge, r"\b(expedite|prioriti[sz]e|chase|speed (it|this|things) up|push (the|it)|rush)\b"),
    (
        Reply,
        r"\b(get back to you|reply to you|update you|let you know|inform you|notify you|contact you|reach out to you|call you|e-?mail you|write (back )?to you|come back to you|follow up( with you)?|keep you (posted|updated|informed)|be in touch)\b",
    ),
    (
        Ship,
        r"\b(ship|dispatch|post|send|mail)\b.{0,30}\b(it|out|them|order|parcel|package|item|yours?|this|to you)\b|\b(ship|shipped|dispatched|sent out|posted|mailed|leave the warehouse|go(es)? out|on its way)\b",
    ),
    (
        Check,
        r"\b(check|ask|verify|confirm|look into|investigate|find out|enquire|inquire|double-check|escalate|report|forward|pass|raise|file|register)\b",
    ),
    (Deliver, r"\b(receive|delivered|arrive|with you|have it|get it)\b"),
];

/// Whoever says this does it.
pub const SELF_EN: &str = r"\b(i|we)\s?('ll|'m going to|'re going to|will|shall|am going to|are going to)\b|\blet me\b.{0,60}\b(get back|let you know|update you|and (then )?(i|we)\b)|\blet me (check|ask|verify|confirm|speak|talk|double-check) (this |it |that )?(with|to) (the|our|my)\b";

/// It will be done to this buyer's own.
pub const PASSIVE_EN: &str = r"\b(your|the|this|it|a colleague|someone|somebody|our (team|warehouse|colleagues?|courier|finance))\b.{0,40}\b(will|'ll|is going to)\b|\b(you|you're)\s?('ll| will) (receive|get|have|be (contacted|refunded|notified))\b|\bit\s?'ll\b";

/// A time that can be looked at on a clock.
pub const NEAR_EN: &str = r"\b(today|tonight|tomorrow|this (morning|afternoon|evening|week)|monday|tuesday|wednesday|thursday|friday|saturday|sunday|within (the next )?\w+|in \w+ (minutes|hours|days)|eod|by \d|\d ?(am|pm)|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d+|\d+ (jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)\b";

/// As good as at once.
pub const SOON_EN: &str = r"\b(right away|immediately|as soon as (possible|i|we)|asap|shortly)\b";

/// Spoils a clause.
pub const NOT_EN: &[&str] = &[
    r"\b(not|never|no longer|cannot|unable|neither|nor)\b|n't\b|\bwithout\b|\brefuse\b",
    r"\b(should|could|might|may|would|probably|possibly|perhaps|hopefully|expected|estimated|usually|normally|typically|generally|approximately)\b",
    r"\b(you|buyers?|customers?)( will|'ll)? (need|have) to\b|\bplease\b",
];

/// Spoils the sentence.
pub const SENTENCE_EN: &[&str] = &[
    r"\bwhat we told you\b|\b(if|unless|once|whenever|provided|in case|should you|depending)\b|\bafter (we|you|the|your|payment|receiving|receipt|it)\b|\bwhen (we|you|the|your)\b|\bupon\b",
    r"\b(you|he|she|they|courier|carrier|warehouse|seller|colleague|system|website|driver)( just| already)? (said|told|mentioned|says|wrote|promised|claims?|claimed|shows?)\b",
    r"\b(policy|policies|always|all (orders|items|returns)|every (order|return)|any (order|return|item)|orders (are|will|placed|ship)|returns are|refunds are|items will|refunds will|customers|buyers|free returns|business hours|terms)\b",
    r"\b(do|does|did|can|could|will|would|shall|should|may|is|are) (you|i|we|it|the|that|there)\b.{0,80}\?|^\s*(what|when|where|who|how|why)\b",
];

/// Somebody has to be asked, or it goes on after the chat.
pub const LASTING_EN: &str = r"\b(warehouse|courier|carrier|finance|accounting|colleagues?|team|manufacturer|brand|manager|supervisor|department|supplier|technician|escalate|look into|investigate|report|forward|pass|raise|file|register|find out)\b";

/// Whose hands it is in, where the words say so.
pub const WAREHOUSE: &str = r"仓库|仓储|打包|出库|\bwarehouse\b|\bpackers?\b";
/// The same for money.
pub const FINANCE: &str = r"财务|会计|\bfinance\b|\baccounting\b|\baccounts department\b";

//! The guard's patterns. They are matched against lower case text with narrow letters and digits.

/// Wants a human being.
pub const PERSON: &[&str] = &[
    r"转(接)?人工|人工(客服|服务|坐席)|(要|找|叫|换|接).{0,4}(人工|真人|活人|经理|主管|客服人员)|真人客服|(跟|和)真人",
    r"\b(talk|speak|chat|connect|transfer|put me through|escalate)\b.{0,30}\b(human|person|agent|representative|someone|somebody|manager|supervisor|operator)\b",
    r"\b(real|live|actual) (human|person|agent)\b|\bhuman (agent|support|being|please)\b|^\W*(agent|human|representative|operator)\W*$",
];

/// Somebody is hurt, ill, or in danger.
pub const SAFETY: &[&str] = &[
    r"过敏了|(皮肤|身体|吃|喝|用).{0,6}(过敏|红肿|起疹|不适|难受)|中毒|烫伤了|烧伤|受伤了|流血|呕吐|住院|去医院|看医生|孕妇.{0,6}(能|可以)|着火|起火|冒烟|爆炸|触电|漏电",
    r"\b(got|was|been|is|are|were) (hurt|injured|burn(t|ed)|poisoned|shocked|hospitali[sz]ed)\b|\b(allergic reaction|anaphyla\w+|in hospital|to the (hospital|doctor|er)|caught fire|on fire|exploded|electric shock|smoke (came|is coming)|smoking when)\b",
    r"\b(safe|ok|okay)\b.{0,20}\b(while|when|during|if)\b.{0,12}\b(pregnan\w+|breastfeeding)\b",
];

/// Courts, lawyers, consumer bodies.
pub const LEGAL: &[&str] = &[
    r"12315|12345|消协|消费者协会|工商(局|投诉)|市场监管局|起诉|律师|法院|打官司|投诉(你|你们|商家|店)|去投诉|要投诉|曝光(你|你们)|报警",
    r"\b(sue|suing|lawsuit|lawyer|attorney|small claims|legal action|take you to court|consumer protection (agency|bureau|office)|trading standards|better business bureau|chargeback)\b",
];

/// Damages.
pub const COMPENSATION: &[&str] = &[
    r"赔偿|赔我|赔钱|假一赔|退一赔|精神损失|补偿(我|一下|点)|(给|要).{0,4}补偿|误工费",
    r"\b(compensat(e|ion)|reimburse me|damages? (payment|claim)|make it up to me|goodwill (credit|payment))\b",
];

/// Money back although the rules say no.
pub const REFUND_EXCEPTION: &[&str] = &[
    r"(破例|通融|特殊处理|例外).{0,8}(退|换)?|(过了|超过|超了).{0,8}(天|期|时间).{0,10}(退|换)|(已经|都).{0,4}(拆|用|洗|穿)过?了?.{0,8}(能退|可以退|想退|要退)|仅退款|只退款|不退货.{0,4}退款",
    r"\b(make an exception|bend the rules|as an exception)\b|\b(return|refund) (window|period|deadline)\b.{0,30}\b(over|passed|expired|missed|ended)\b|\brefund\b.{0,30}\bwithout (returning|sending)\b",
];

/// A better price.
pub const PRICE_HAGGLING: &[&str] = &[
    r"便宜(点|些|一点|一些)|(再|能不能|可以|可不可以).{0,4}(优惠|打折|少)(一)?(点|些)|砍价|讲价|抹零|最低(价|多少)|给个(优惠|折扣)|少(点|算点)钱|送(我|点)(个)?(赠品|礼物)",
    r"\b(lower|reduce|knock|drop|cut|beat|match)\b.{0,20}\bprice\b|\b(best|lowest|final) price\b|\b(give|get) me a (better )?(discount|deal|price)\b|\bcheaper\b.{0,10}\b(for me|please|price)\b|\bhaggle\b",
];

/// An order of their own.
pub const OWN_ORDER: &[&str] = &[
    r"(我的|我买的|我订的|我那个|我这个|我下的).{0,8}(订单|快递|包裹|单子|物流|退款|货)|(快递|包裹|物流|货).{0,6}(到哪|在哪|没到|没动|不动|还没|没更新)|(什么时候|啥时候|几时|多久).{0,4}(给我发货|退款给我|退钱)|(怎么还不|怎么还没|还没).{0,4}(给我)?(发货|退款给我|退钱)|(给我|帮我).{0,6}(催|查).{0,8}(订单|快递|物流|单号|一下单|货)|订单号.{0,6}\d{5,}|单号.{0,4}\d{6,}|什么时候(给我|能给我)退|给我退款",
    r"\bmy (order|parcel|package|delivery|shipment|refund|tracking|purchase|return)\b.{0,40}\b(is|has|hasn'?t|isn'?t|where|when|status|late|arrive\w*|lost|missing|still|not|number|cancel\w*|change)\b",
    r"\b(where|when|track|status|cancel|change|update)\b.{0,20}\bmy (order|parcel|package|delivery|shipment|refund)\b|\border (number|no\.?|#)\s*:?\s*[a-z]*\d{4,}",
];

/// Hello, and nothing else.
pub const GREETING: &str = r"^((亲+|客服|老板|店家|掌柜)[，,、 ~!！]*)?(你好+呀?|您好|哈喽|哈啰|嗨|嘿|早上好|上午好|中午好|下午好|晚上好|早|(有人)?在(吗|么|不在|不|嘛)|有人(吗|么))([，,、 ~!！？?]*(亲+|客服|老板|在吗|在么))?$|^(hi+|hello+|hey+|good (morning|afternoon|evening|day)|greetings|anyone (there|here)|are you there)( there| all| team| everyone)?$";

/// Thank you, and nothing else.
pub const THANKS: &str = r"^((好的?|嗯+|ok|行|知道了|明白了|收到)[，,、 。!！]*)?(谢谢|多谢|感谢|谢啦|谢了|辛苦了|3q|thx)(你|您|亲|了|啦|哦|呀|客服|你们|您们|帮助|的帮助|[，, !！~])*$|^((ok(ay)?|great|perfect|got it)[,. !]*)?(many |great,? )?(thanks?|thank you|thx|ty|cheers)( you| a lot| so much| very much| again| for (your|the) help| for helping)*$";

/// Good-bye, and nothing else.
pub const GOODBYE: &str = r"^(再见|拜拜|拜|回见|下次见|晚安|88|没事了|没有了|不用了)(了|啦|哦|[，, !！~]|谢谢)*$|^(good ?bye|bye+( bye)?|see (you|ya)( later)?|have a (good|nice) (day|one|evening)|that('s| is) all|no,? that's (all|it))( then| now| thanks?| thank you)*$";

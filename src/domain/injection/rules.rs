//! The patterns behind [`super::in_message`] and [`super::in_document`]. They are matched against lower case text with
//! narrow letters and digits, line by line and over all of it.

use super::Sign::{
    self, Encoded, Exfiltration, FakeAuthority, Override, Persona, PromptTheft, SpeaksToAssistant, Task, TemplateToken,
};

/// A sign and a pattern that shows it.
pub type Rule = (Sign, &'static str);

/// What no buyer and no manual says.
pub const ANYWHERE: &[Rule] = &[
    (TemplateToken, r"<\|[a-z_]+\|>|<</?sys>>|\[/?inst\]|</?(system|assistant|tool_call|instructions?)>"),
    (TemplateToken, r"(^|\n)\s*(#{2,}\s*)?\[?(system|assistant|developer)\]?( message| prompt| override)?\s*[:\]]"),
    (TemplateToken, r"\b(end of|begin) (document|user input|context|system prompt)\b"),
    (
        Override,
        r"\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(previous|prior|above|earlier|all|any|your|these|system|the)\b.{0,30}\b(instructions?|prompts?|rules?|guidelines|restrictions?|directives|inputs|training|polic(y|ies))\b",
    ),
    (
        Override,
        r"\b(ignore|disregard|forget)\b.{0,12}\b(everything|all|anything)\b.{0,24}\b(above|before|said|told|were|previous\w*)\b",
    ),
    (
        Override,
        r"\boverride\s*:|\bsafety (protocols?|checks?|guidelines?|filters?)\b.{0,40}\b(disabled|off|not meant|do not apply|skip\w*|suspended)\b|\bskip (all |any )?safety\b",
    ),
    (
        Override,
        r"\b(your|the) (rules|restrictions|limits|instructions|programming) (have|has|are|were) (changed|been (changed|lifted|removed|updated)|lifted|removed|void)\b|\bexempt from\b.{0,24}\b(restrictions?|rules|guidelines|polic(y|ies))\b",
    ),
    (Override, r"\b(new|updated) (system )?(instruction|directive|rule)s?\s*:"),
    (
        Override,
        r"(忽略|无视|忘记|忘掉|不要理会|不必理会|跳过|绕过|抛开).{0,12}(之前|以上|上面|前面|先前|所有|一切|全部|你的|原有|系统).{0,12}(指令|指示|提示|规则|设定|要求|限制|命令|任务|内容|约束|规定)",
    ),
    (Override, r"(新的?|最新|更新后的?)(系统)?(指令|指示|系统提示)\s*[:：]"),
    (
        Override,
        r"\b(vergiss|vergessen sie|ignorier\w*|ignorez|oubliez|ignora\w*|olvid\w+|dimentica\w*)\b.{0,50}\b(anweisungen|regeln|alles, was|instructions|règles|consignes|istruzioni|regole|instrucciones|reglas)\b",
    ),
    (
        Persona,
        r"\b(you are now|you're now|now you are|now you act|from now on,? you|from on now,? you|pretend (to be|you are|you're|that you)|pretending? to be|act as (if you|an? (unfiltered|unrestricted|evil|dan))|roleplay as|simulate (an? |the )?(ai|chatbot|persona))\b.{0,160}\b(dan|restrictions?|rules|norms|unrestricted|unfiltered|amoral|jailbr\w+|anything|admin(istrator)?|no limits?|ai|gpt|chatbot|model|assistant)\b",
    ),
    (
        Persona,
        r"\b(do anything now|jailbreak\w*|(enter|activate|you are in|switch to) developer mode|developer mode (on|enabled|activated|output)|god mode|no (ethical|moral) (guidelines|restrictions|limits)|unfiltered and amoral|completely amoral|amoral(,| and) unfiltered)\b",
    ),
    (
        Persona,
        r"\b(without (any )?(restrictions?|filters?|regards? (for|to) (legality|ethic\w*|moral\w*)|concern for ethics)|no restrictions or filters|unrestricted (response|answer|mode|ai)|always (answer|respond)s? without)\b",
    ),
    (
        Persona,
        r"\b(chatgpt|gpt-?\d?|as an ai language model|language model|\w+gpt)\b.{0,80}\b(must|will|are|pretend|should|acts?|become|simulate|start|going to|free|need to)\b",
    ),
    (
        Persona,
        r"(你现在是|从现在(起|开始)|假装(你|自己)?(是)?|扮演|你是一个?新?的?).{0,30}(不受限|不受任何|无限制|没有(任何)?(限制|规则|约束)|无过滤|管理员|开发者模式|越狱|dan)",
    ),
    (Persona, r"越狱(成功|模式|版)?|(进入|切换到|处于)开发者模式|无限制模式|不受限制的(助手|ai|模型)"),
    (
        Persona,
        r"\b(uneingeschränkt\w*|sans restrictions?|sin restricciones|senza restrizioni)\b|\bkeine (regeln|richtlinien)\b",
    ),
    (
        PromptTheft,
        r"\b(reveal|show|print|repeat|output|leak|display|tell|give|see|summari[sz]e|translate|encode|recite|write down|spell out|what('s| is| are| was| were)?)\b.{0,50}\b(system prompt|hidden prompt|initial prompt|initial instructions|your (system |original |initial |hidden )?(prompt|instructions|guidelines)|instructions above|developer message)\b",
    ),
    (
        PromptTheft,
        r"\bwhat (are|were) you (not )?(supposed|allowed|told|instructed|forbidden) (not )?to\b|\bsystem[ -]?prompts?\b",
    ),
    (
        PromptTheft,
        r"(输出|显示|告诉|泄露|透露|重复|打印|说出|给我看|展示|翻译).{0,16}(系统提示|提示词|系统指令|系统设定|初始指令|隐藏指令|安全限制|api ?密钥|密钥|密码|用户数据|内部指令)|提示词注入|系统提示词",
    ),
    (
        PromptTheft,
        r"\b(zeig\w*|verrat\w*|révéle\w*|révélez|montre\w*|revel[ae]\w*|muestra\w*|mostr\w+)\b.{0,40}\b(system-?prompt|prompt (système|di sistema)|instrucciones del sistema|instructions système|anweisungen)\b",
    ),
    (
        Exfiltration,
        r"\b(api[ _-]?keys?|passwords?|secrets?|environment variables|credentials)\b.{0,30}\b(reveal|print|list|leak|dump|exfiltrate)\b|\b(reveal|print|leak|dump|exfiltrate|list all|output)\b.{0,40}\b(api[ _-]?keys?|passwords?|secrets?|environment variables|credentials|customer (list|data(base)?)|user data)\b",
    ),
    (
        Exfiltration,
        r"\b(e-?mail|send|forward|post|upload|collect)\b.{0,60}\b(customer (list|data|e-?mails?)|user data|credentials|api[ _-]?keys?)\b",
    ),
    (Exfiltration, r"(删除|导出|发送|泄露|清空).{0,8}(所有|全部)?.{0,4}(用户|客户|买家|顾客)(数据|资料|信息|名单)"),
    (
        Encoded,
        r"\b(decode|decipher)\b.{0,40}\b(base64|base32|hex|rot13|binary)\b|\b(base64|rot13|hex)\b.{0,40}\b(decode|execute|follow|do exactly)\b|\bdecode it and (do|follow|execute)\b",
    ),
    (Encoded, r"base64.{0,12}(解码|执行)|(解码|解密).{0,12}(执行|照做)"),
    (
        FakeAuthority,
        r"\b(user|customer|administrator|admin|owner) has (granted|given)\b.{0,24}\b(permission|authori[sz]ation|access)\b|\b(important )?system (update|notice|note|hinweis)\s*:|\bsystemhinweis\s*:|\bnota del sistema\s*:",
    ),
    (FakeAuthority, r"(系统|管理员)(通知|公告|消息|更新)\s*[:：].{0,40}(你|助手|机器人|模型)"),
];

/// What buyers do not type to a shop, although a text about something else might hold it.
pub const TYPED: &[Rule] = &[
    (
        Persona,
        r"\b(let'?s|want to|going to) play a game\b.{0,200}\b(rules|you|character)\b|\bplay (2|two) characters\b|\bact as (two|2) entities\b|\byour character\b|\byou (will|are to) act as\b",
    ),
    (
        Persona,
        r"\b(answer|respond)\b.{0,60}\b(in|as|with) (two|2) (different )?(ways|entities|people|responses)\b|\byou have (two|2) answers?\b|\btwo (different )?ways\b.{0,200}\b(ai|gpt|yourself)\b",
    ),
    (
        Persona,
        r"\b(an ai named|ai assistant created|is an? (unfiltered|amoral|evil|uncensored)|simulate (a|an) (very )?(powerful )?\w+|conversation with an ai|never refuses?|always answers?)\b",
    ),
    (
        Persona,
        r"\b(hypothetical|fictional|fictitious|fantasy|fake) (story|universe|world|scenario|request|real)\b|\bin this story\b|\bdialogue writer\b|\bno memory of this\b",
    ),
    (Persona, r"\byou are the most (intelligent|powerful|advanced)\b|\bas (sneaky|evil) \w+"),
    (Persona, r"^(as the assistant|reasoning( trace)? \(assistant\))|\bas the assistant, i\b"),
    (Persona, r"(假设|假如|想象).{0,12}(安全测试|没有(任何)?限制|你(现在)?是).{0,40}(告诉|输出|回答)"),
    (
        Task,
        r"\[(put|insert|your|enter)\b[^\]]{0,40}\b(prompt|question|request|text|here)\b[^\]]{0,20}\]|<(prompt|question|thing)\b[^>]{0,40}>|\(<prompt>\)",
    ),
    (
        Task,
        r"\b(character (description|data|traits)|baseline commands?|auto-run|/simulate|prefix ?=|generate actual revenue)\b",
    ),
    (
        Task,
        r"\bgo in detailed? in depth\b|\bhow (the )?criminal acts?\b|\bsteps to (synthesi[sz]e|make) (a )?(drug|bomb|weapon)",
    ),
];

/// What a manual, a price list or a policy does not say: it speaks to people who own a product, not to a program that
/// answers about it.
pub const PLANTED: &[Rule] = &[
    (
        SpeaksToAssistant,
        r"\b(add|append|include|insert|integrate|incorporate|modify|augment|enhance|replace|substitute|introduce|use|render|encode|encrypt|provide|deliver|express|translate|scramble|group|shift|apply|convert|present|mention|end|begin|start|finish|craft|weave|embed|swap|mix|jumble|alternate|rearrange|remove|reverse|mirror|hint|adjust|alter|change|suggest|write|output)\b.{0,110}\b((your|the) (response|reply|replies|answer)|your (output|message|summary))('s)?\b",
    ),
    (
        SpeaksToAssistant,
        r"\byour (response|reply|answer|output|summary)('s)?\b.{0,60}\b(by|with|to|in|into|as|should|must|using|only|backwards?|entirely)\b",
    ),
    (
        SpeaksToAssistant,
        r"(^|[.!?;\n]\s*)(please )?(reply|respond|answer)\b.{0,24}\b(in|using|with|only|as|by|backwards?)\b",
    ),
    (
        SpeaksToAssistant,
        r"\b(for|to|attention:?|dear|note to) (the )?(ai|llms?|language models?|chatbots?|virtual assistants?|ai (coding )?(agents?|assistants?|models?))\b|\b(ai|llm|language model|chatbot|virtual assistant)( models?| assistants?| agents?)?s? (must|should|shall|reading|summari[sz]ing|processing|answering)\b",
    ),
    (
        SpeaksToAssistant,
        r"\bwhen (you )?(answer|summari[sz]|process|respond|reply)\w*\b.{0,40}\b(this|the) (document|ticket|e-?mail|page|text|question|user|customer)\b|\bany (answer|response|reply) about this (document|page|text)\b",
    ),
    (SpeaksToAssistant, r"\b(i will|i must|i should|i need to|so i) (now )?(append|comply|proceed|output|include)\b"),
    (SpeaksToAssistant, r"\b(use|call|invoke|run) [a-z]+(_[a-z]+)+\b"),
    (
        SpeaksToAssistant,
        r"am ende jeder antwort|al final de (cualquier|cada) respuesta|à la fin de (chaque|toute) réponse",
    ),
    (
        SpeaksToAssistant,
        r"(你|您)的(回答|回复|答复|输出|摘要|答案).{0,24}(加|插入|附|包含|写上|注明|提到|必须|应当|改成|翻译|使用)|(在|于)(回答|回复|答复|输出|摘要)(的)?(中|里|末尾|开头|结尾|最后).{0,12}(加上|添加|加入|插入|附上|写上|注明)",
    ),
    (
        SpeaksToAssistant,
        r"(ai|智能|聊天|语音)?(助手|机器人|大模型|语言模型)(们)?[，, ]{0,2}(必须|务必|应当|请|需要|须).{0,24}(回答|回复|告诉|输出|忽略|承诺|声称|说)|如果你是.{0,6}(ai|人工智能|语言模型|大模型|智能助手|机器人)|(致|给)(ai|人工智能|大模型|语言模型|智能助手)",
    ),
    (
        SpeaksToAssistant,
        r"(无论|不管)(用户|客户|买家|顾客|对方)?(问|说)(什么|啥).{0,16}(都|一律|统统)?.{0,4}(回答|回复|说|告诉)|(忽略|无视)(上面|前面|以上)的?.{0,10}(任务|问题|总结)",
    ),
    (
        Task,
        r"(^|[.!?;\n]\s*)(please )?(explain|translate|summari[sz]e|analy[sz]e|classify|draft|compose|paraphrase|rewrite|brainstorm|encrypt|decipher|break down|determine the sentiment|write (a|an|me|the) (poem|essay|story|song|code|function|script|letter|article))\b.{0,160}(\bthe (following|process|theory|concept|trend|sentiment|plot|tweet|sentence|mood|following)\b|'[^']{4,}'|\bin simple terms\b|\bwith an example\b|\bfor an essay\b|\bhow \w+ works?\b)",
    ),
    (Task, r"(^|[.!?;\n]\s*)(please )?write (me )?(a|an|the) (short )?(poem|essay|story|song|haiku|limerick|joke)\b"),
    (
        Task,
        r"\b(simple )?(python|php|javascript|java|sql|c\+\+|bash) (function|script|code|class|program|snippet)\b|\busing (php|python|javascript)\b|\b(what is|what's|translate|how do you say|say)\b.{0,80}\b(in|to) (french|spanish|german|italian|portuguese|english|japanese|chinese|russian)\b|\b(french|spanish|german|italian|japanese) (equivalent|translation|word) (for|of)\b|\b(classify the mood|sentiment of)\b",
    ),
    (
        Task,
        r"\b(provide|give|list|show) (me )?(a |an )?(command to|example of how to|essay|poem|list of [a-z]+ prize)\b",
    ),
];

//! What a code of the parser means, in words for staff: what is wrong with the file, and what to do about it.
//!
//! Codes are made by `ingest` and stored with the revision; sentences are made here, since only here the reader's
//! language is known. A code that has no sentence yet shows its detail.

use crate::domain::injection::Sign;
use crate::domain::text::Lang;

type Sentence = (&'static str, &'static str, &'static str);

const ERRORS: &[Sentence] = &[
    ("empty", "There is nothing to read in the file.", "文件是空的，没有可读的内容。"),
    ("too_large", "The file is too large; split it.", "文件太大，请拆分后再上传。"),
    (
        "unsupported",
        "Files of this kind are not supported; use PDF, DOCX, XLSX, CSV, Markdown, HTML or TXT, or a ZIP of these.",
        "不支持这种文件，请上传 PDF、DOCX、XLSX、CSV、Markdown、HTML、TXT 或它们的 ZIP。",
    ),
    ("encrypted", "The file is locked with a password; upload it without.", "文件有密码保护，请去掉密码后再上传。"),
    (
        "no_text",
        "The file holds only images; upload a version with text.",
        "文件只有图片，没有文字，请上传带文字的版本。",
    ),
    (
        "garbled",
        "The text inside the PDF is garbled; export it again from the original.",
        "PDF 的文字层是乱码，请从原文件重新导出。",
    ),
    ("corrupt", "The file is damaged; export or download it again.", "文件已损坏，请重新导出或重新下载后再上传。"),
    ("too_many_pages", "The file has too many pages; split it.", "页数过多，请拆分后再上传。"),
    ("too_much_text", "The file holds too much text; split it.", "文字过多，请拆分后再上传。"),
    ("archive_bomb", "The archive unpacks to too much data or too many files.", "压缩文件解压后过大或文件过多。"),
    (
        "nested_archive",
        "An archive inside an archive is not read; unpack the inner one first.",
        "压缩文件里还有压缩文件，请先解压里面的。",
    ),
    ("unsafe_name", "The name of this file points outside its archive.", "文件名指向压缩文件之外，已拒绝。"),
    (
        "timed_out",
        "Reading took too long; export the file again or split it.",
        "读取时间过长，请重新导出或拆分后再上传。",
    ),
    (
        "crashed",
        "Reading the file failed; it may be damaged, export it again.",
        "读取时出错，文件可能已损坏，请重新导出。",
    ),
    ("out_of_memory", "Reading the file needs too much memory; split it.", "读取需要的内存过多，请拆分后再上传。"),
    (
        "reader_unavailable",
        "The file reader could not be started; try again later.",
        "文件读取程序暂时无法启动，请稍后再试。",
    ),
    (
        "outdated",
        "A newer version of this document was read first; there is nothing to do.",
        "该文档的更新版本已先读取完成，无需处理。",
    ),
    (
        "internal",
        "Reading failed several times; try again, or tell your administrator.",
        "多次读取失败，请重试或告知管理员。",
    ),
];

const WARNINGS: &[Sentence] = &[
    ("cut_short", "Only the beginning was read", "只读取了开头部分"),
    ("front_matter_removed", "The front matter was left out", "已去除文件头信息"),
    ("hidden_sheet_skipped", "A hidden sheet was left out", "已跳过隐藏的工作表"),
    ("hidden_text_removed", "Text that readers cannot see was left out", "已去除读者看不见的文字"),
    ("invisible_characters_removed", "Invisible characters were left out", "已去除不可见字符"),
    ("page_garbled", "The text of a page is garbled", "有一页文字是乱码"),
    ("page_unreadable", "A page could not be read", "有一页无法读取"),
    ("page_without_text", "A page has no text, perhaps it is an image", "有一页没有文字，可能是图片"),
    ("question_without_answer", "A question has no answer", "有问题没有答案"),
    ("sheet_unreadable", "A sheet could not be read", "有一张工作表无法读取"),
    ("undecodable_characters", "Some characters could not be read", "有些字符无法读取"),
];

/// What a sign in a chunk means.
pub fn of_sign(sign: Sign, lang: Lang) -> &'static str {
    let (en, zh) = match sign {
        Sign::Override => ("It orders the assistant to forget its rules", "要求助手忽略已有规则"),
        Sign::Persona => ("It gives the assistant another identity", "给助手安排另一种身份"),
        Sign::PromptTheft => ("It asks for the assistant's own instructions", "索取助手的内部指令"),
        Sign::Exfiltration => ("It asks for secrets or for data of others", "索取机密或他人的数据"),
        Sign::TemplateToken => ("It holds marks that separate the parts of a prompt", "含有提示词的分隔标记"),
        Sign::Encoded => ("It hides an order in disguise", "以编码方式隐藏指令"),
        Sign::FakeAuthority => ("It claims an authority that nobody can check", "冒充系统或管理员的授权"),
        Sign::SpeaksToAssistant => ("It tells the assistant how to answer", "指示助手如何回答"),
        Sign::Task => ("It sets a task for a language model", "向语言模型布置无关任务"),
    };
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

/// Why a revision failed.
pub fn of_error(code: &str, detail: &str, lang: Lang) -> String {
    find(ERRORS, code, lang).map_or_else(|| unknown(code, detail), str::to_owned)
}

/// What staff should know of a revision that was read. The detail says where.
pub fn of_warning(code: &str, detail: &str, lang: Lang) -> String {
    let Some(sentence) = find(WARNINGS, code, lang) else { return unknown(code, detail) };
    match (detail, lang) {
        ("", _) => sentence.to_owned(),
        (detail, Lang::En) => format!("{sentence}: {detail}"),
        (detail, Lang::Zh) => format!("{sentence}：{detail}"),
    }
}

fn find(table: &[Sentence], code: &str, lang: Lang) -> Option<&'static str> {
    let (_, en, zh) = table.iter().find(|(known, _, _)| *known == code)?;
    Some(match lang {
        Lang::En => en,
        Lang::Zh => zh,
    })
}

fn unknown(code: &str, detail: &str) -> String {
    if detail.is_empty() { code.replace('_', " ") } else { detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staff_read_what_to_do_in_their_language() {
        assert!(of_error("encrypted", "", Lang::En).contains("password"));
        assert!(of_error("encrypted", "", Lang::Zh).contains("密码"));
        assert_eq!(of_warning("page_unreadable", "7", Lang::Zh), "有一页无法读取：7");
        assert_eq!(of_error("brand_new", "page 3 is odd", Lang::Zh), "page 3 is odd");
        assert_eq!(of_error("brand_new", "", Lang::Zh), "brand new");
    }
}

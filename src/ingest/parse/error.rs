//! Why a file was not read, in words for staff.

use serde::{Deserialize, Serialize};

use crate::domain::fault::Fault;
use crate::domain::text::Lang;

/// A file that was refused, or that ended its reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ParseError {
    /// Nothing in it, or nothing but blanks.
    #[error("the file is empty")]
    Empty,
    /// Over the limit on uploads.
    #[error("the file is too large: {size_bytes} bytes, limit {limit_bytes}")]
    TooLarge { size_bytes: u64, limit_bytes: u64 },
    /// Not one of our formats.
    #[error("unsupported format: {found}")]
    Unsupported { found: String },
    /// Needs a password to open.
    #[error("the file is encrypted")]
    Encrypted,
    /// Pages that hold pictures only.
    #[error("no text layer on any of {n_pages} pages")]
    NoText { n_pages: u32 },
    /// A text layer whose characters mean nothing.
    #[error("the text layer is garbled on all of {n_pages} pages")]
    Garbled { n_pages: u32 },
    /// Damaged, or not what its name says.
    #[error("the file is damaged: {detail}")]
    Corrupt { detail: String },
    /// Over the limit on pages.
    #[error("too many pages: {n_pages}, limit {limit}")]
    TooManyPages { n_pages: u32, limit: u32 },
    /// Over the limit on text.
    #[error("too much text: limit {limit_bytes} bytes")]
    TooMuchText { limit_bytes: u64 },
    /// An archive that unpacks to far more than it should.
    #[error("the archive unpacks beyond its limits: {detail}")]
    ArchiveBomb { detail: String },
    /// An archive inside an archive.
    #[error("an archive inside an archive")]
    NestedArchive,
    /// An entry whose name points outside the archive.
    #[error("the entry's name leads out of the archive")]
    UnsafeName,
    /// Took longer than it may.
    #[error("reading took longer than {after_ms} ms")]
    TimedOut { after_ms: u64 },
    /// Ended the process that read it.
    #[error("the reader crashed: {detail}")]
    Crashed { detail: String },
    /// Needed more memory than it may.
    #[error("reading needs more than {limit_bytes} bytes of memory")]
    OutOfMemory { limit_bytes: u64 },
    /// The process that reads could not be started or spoken to.
    #[error("the reader could not be run: {detail}")]
    ReaderUnavailable { detail: String },
}

impl ParseError {
    /// Stable name for interfaces and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::Unsupported { .. } => "unsupported",
            Self::Encrypted => "encrypted",
            Self::NoText { .. } => "no_text",
            Self::Garbled { .. } => "garbled",
            Self::Corrupt { .. } => "corrupt",
            Self::TooManyPages { .. } => "too_many_pages",
            Self::TooMuchText { .. } => "too_much_text",
            Self::ArchiveBomb { .. } => "archive_bomb",
            Self::NestedArchive => "nested_archive",
            Self::UnsafeName => "unsafe_name",
            Self::TimedOut { .. } => "timed_out",
            Self::Crashed { .. } => "crashed",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::ReaderUnavailable { .. } => "reader_unavailable",
        }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::TooLarge { .. } => Fault::Caller,
            Self::ReaderUnavailable { .. } => Fault::Transient,
            Self::Empty
            | Self::Unsupported { .. }
            | Self::Encrypted
            | Self::NoText { .. }
            | Self::Garbled { .. }
            | Self::Corrupt { .. }
            | Self::TooManyPages { .. }
            | Self::TooMuchText { .. }
            | Self::ArchiveBomb { .. }
            | Self::NestedArchive
            | Self::UnsafeName
            | Self::TimedOut { .. }
            | Self::Crashed { .. }
            | Self::OutOfMemory { .. } => Fault::Content,
        }
    }

    /// What is wrong and what to do about it, for staff.
    pub fn message(&self, lang: Lang) -> String {
        match lang {
            Lang::Zh => self.message_zh(),
            Lang::En => self.message_en(),
        }
    }

    fn message_zh(&self) -> String {
        match self {
            Self::Empty => "文件是空的，没有可读的内容。".into(),
            Self::TooLarge { size_bytes, limit_bytes } => {
                format!("文件太大（{}），上限是 {}。请拆分后再上传。", size_of(*size_bytes), size_of(*limit_bytes))
            }
            Self::Unsupported { found } => {
                format!("不支持这种文件（{found}）。请上传 PDF、DOCX、XLSX、CSV、Markdown、HTML、TXT 或它们的 ZIP。")
            }
            Self::Encrypted => "文件有密码保护，需要密码才能打开。请去掉密码后再上传。".into(),
            Self::NoText { n_pages } => {
                format!("这个 PDF 的 {n_pages} 页都没有文字，只有图片或图形；系统未安装文字识别。请上传带文字的版本。")
            }
            Self::Garbled { .. } => "这个 PDF 的文字层是乱码，读不出原文。请从原文件重新导出 PDF 再上传。".into(),
            Self::Corrupt { .. } => "文件已损坏，无法读取。请重新导出或重新下载后再上传。".into(),
            Self::TooManyPages { n_pages, limit } => {
                format!("文件有 {n_pages} 页，上限是 {limit} 页。请拆分后再上传。")
            }
            Self::TooMuchText { limit_bytes } => {
                format!("文件的文字超过 {}。请拆分后再上传。", size_of(*limit_bytes))
            }
            Self::ArchiveBomb { .. } => "压缩文件解压后过大或文件过多，已拒绝。".into(),
            Self::NestedArchive => "压缩文件里还有压缩文件，未读取。请先解压里面的压缩文件。".into(),
            Self::UnsafeName => "压缩文件里的这个文件名指向压缩文件之外，已拒绝。".into(),
            Self::TimedOut { after_ms } => {
                format!("读取超过 {} 秒仍未完成，已停止。请重新导出或拆分后再上传。", after_ms.div_ceil(1000))
            }
            Self::Crashed { .. } => "读取这个文件时程序出错，已停止。文件可能已损坏，请重新导出后再上传。".into(),
            Self::OutOfMemory { limit_bytes } => {
                format!("读取这个文件需要超过 {} 内存，已停止。请拆分后再上传。", size_of(*limit_bytes))
            }
            Self::ReaderUnavailable { .. } => "文件读取程序暂时无法启动，请稍后再试。".into(),
        }
    }

    fn message_en(&self) -> String {
        match self {
            Self::Empty => "The file is empty: there is nothing to read.".into(),
            Self::TooLarge { size_bytes, limit_bytes } => {
                let (size, limit) = (size_of(*size_bytes), size_of(*limit_bytes));
                format!("The file is too large ({size}); the limit is {limit}. Split it and upload the parts.")
            }
            Self::Unsupported { found } => format!(
                "This kind of file is not supported ({found}). Upload PDF, DOCX, XLSX, CSV, Markdown, HTML or plain text, or a ZIP of these."
            ),
            Self::Encrypted => {
                "The file is protected: a password is needed. Remove the password and upload it again.".into()
            }
            Self::NoText { n_pages } => format!(
                "This PDF holds no text on its {n_pages} page(s), only images or drawings; text recognition is not installed. Upload a version with text."
            ),
            Self::Garbled { .. } => {
                "The text inside this PDF is garbled. Export the PDF again from the original document.".into()
            }
            Self::Corrupt { .. } => "The file is damaged and cannot be read. Export or download it again.".into(),
            Self::TooManyPages { n_pages, limit } => {
                format!("The file has {n_pages} pages; the limit is {limit}. Split it and upload the parts.")
            }
            Self::TooMuchText { limit_bytes } => {
                format!("The file holds more than {} of text. Split it and upload the parts.", size_of(*limit_bytes))
            }
            Self::ArchiveBomb { .. } => {
                "The archive unpacks to too much data or too many files; it was refused.".into()
            }
            Self::NestedArchive => "An archive inside an archive is not read. Unpack the inner one first.".into(),
            Self::UnsafeName => "The name of this entry points outside the archive; it was refused.".into(),
            Self::TimedOut { after_ms } => format!(
                "Reading took longer than {} seconds and was stopped. Export the file again, or split it.",
                after_ms.div_ceil(1000)
            ),
            Self::Crashed { .. } => {
                "Reading this file failed. It may be damaged: export it again and upload the new copy.".into()
            }
            Self::OutOfMemory { limit_bytes } => {
                format!("Reading this file needs more than {} of memory. Split it.", size_of(*limit_bytes))
            }
            Self::ReaderUnavailable { .. } => "The file reader could not be started. Try again later.".into(),
        }
    }
}

fn size_of(n_bytes: u64) -> String {
    const MB: u64 = 1 << 20;
    if n_bytes >= MB { format!("{} MB", n_bytes / MB) } else { format!("{} KB", n_bytes.div_ceil(1024)) }
}

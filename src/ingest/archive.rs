//! Opens ZIP files that may have been made to hurt: size bombs, count bombs, names that climb out.
//!
//! # Why
//! Sizes are checked twice, as declared before anything is unpacked, and as counted while unpacking, because a bomb
//! lies about its size. Office files are archives, too, and pass the same gate. Nothing is ever written to disk.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::ingest::parse::{ParseError, ParseLimits};

/// Below this, any ratio is harmless: a kilobyte of spaces shrinks a hundredfold, too.
const RATIO_FREE_BYTES: u64 = 10 << 20;

/// An archive whose declared sizes are within the limits.
pub struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    left_bytes: u64,
}

impl<'a> Archive<'a> {
    /// Opens `bytes` and checks what it declares.
    pub fn open(bytes: &'a [u8], limits: &ParseLimits) -> Result<Self, ParseError> {
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
        if zip.len() > limits.archive_entries {
            return Err(ParseError::ArchiveBomb { detail: format!("{} entries", zip.len()) });
        }
        let mut declared = 0u64;
        for idx in 0..zip.len() {
            let entry = zip.by_index_raw(idx).map_err(broken)?;
            declared = declared.saturating_add(entry.size());
        }
        let ratio = declared / (bytes.len() as u64).max(1);
        if declared > limits.archive_bytes || (declared > RATIO_FREE_BYTES && ratio > limits.archive_ratio) {
            return Err(ParseError::ArchiveBomb { detail: format!("{declared} bytes from {}", bytes.len()) });
        }
        Ok(Self { zip, left_bytes: limits.archive_bytes })
    }

    /// Names of the files inside, with their indexes; folders and litter of operating systems left out.
    pub fn names(&mut self) -> Result<Vec<(usize, String)>, ParseError> {
        let mut names = Vec::new();
        for idx in 0..self.zip.len() {
            let entry = self.zip.by_index_raw(idx).map_err(broken)?;
            let name = decode_name(entry.name_raw());
            if !entry.is_dir() && !is_litter(&name) {
                names.push((idx, name));
            }
        }
        Ok(names)
    }

    /// Unpacks one file, counting.
    pub fn read(&mut self, idx: usize) -> Result<Vec<u8>, ParseError> {
        let mut entry = self.zip.by_index(idx).map_err(broken)?;
        let declared = entry.size();
        let mut bytes = Vec::new();
        let limit = declared.min(self.left_bytes);
        entry.by_ref().take(limit + 1).read_to_end(&mut bytes).map_err(|error| broken(ZipError::Io(error)))?;
        let counted = bytes.len() as u64;
        if counted > limit {
            return Err(ParseError::ArchiveBomb {
                detail: format!("an entry is larger than the {declared} it declares"),
            });
        }
        self.left_bytes -= counted;
        Ok(bytes)
    }

    /// Unpacks a file by its exact name; nothing if there is none.
    pub fn read_named(&mut self, name: &str) -> Result<Option<Vec<u8>>, ParseError> {
        match self.zip.index_for_name_raw(name.as_bytes()) {
            Some(idx) => self.read(idx).map(Some),
            None => Ok(None),
        }
    }

    /// Unpacks everything to nowhere, so that a parser that unpacks by itself meets no surprise.
    pub fn verify_sizes(&mut self) -> Result<(), ParseError> {
        for idx in 0..self.zip.len() {
            let entry = self.zip.by_index(idx).map_err(broken)?;
            let declared = entry.size();
            let counted = std::io::copy(&mut entry.take(declared + 1), &mut std::io::sink())
                .map_err(|error| broken(ZipError::Io(error)))?;
            if counted > declared {
                return Err(ParseError::ArchiveBomb { detail: format!("an entry exceeds the {declared} it declares") });
            }
        }
        Ok(())
    }
}

/// Whether `name` stays inside the archive.
pub fn is_safe_name(name: &str) -> bool {
    let climbs = name.split(['/', '\\']).any(|part| part == "..");
    let is_absolute = name.starts_with(['/', '\\']) || name.as_bytes().get(1) == Some(&b':');
    !climbs && !is_absolute && !name.contains('\0')
}

/// Chinese Windows writes names in GBK and does not say so; the specification's own guess (CP437) makes them unreadable.
fn decode_name(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) => encoding_rs::GB18030.decode_without_bom_handling(raw).0.into_owned(),
    }
}

fn is_litter(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    name.starts_with("__MACOSX/") || file.starts_with("._") || matches!(file, ".DS_Store" | "Thumbs.db" | "desktop.ini")
}

fn broken(error: ZipError) -> ParseError {
    match error {
        ZipError::InvalidPassword => ParseError::Encrypted,
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => ParseError::Encrypted,
        error => ParseError::Corrupt { detail: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    fn archive_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn a_bomb_is_refused_by_what_it_declares() {
        let bytes = archive_of(&[("a.txt", &vec![b'a'; 20 << 20])]);
        let error = Archive::open(&bytes, &ParseLimits::default()).err().unwrap();
        assert_eq!(error.code(), "archive_bomb");
        let many: Vec<(String, Vec<u8>)> = (0..30).map(|n| (format!("{n}.txt"), vec![b'x'])).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let limits = ParseLimits { archive_entries: 20, ..ParseLimits::default() };
        assert_eq!(Archive::open(&archive_of(&many), &limits).err().unwrap().code(), "archive_bomb");
    }

    #[test]
    fn a_bomb_that_lies_about_its_size_is_refused_while_unpacking() {
        let mut bytes = archive_of(&[("a.txt", &vec![b'a'; 1 << 20])]);
        let real = (1u32 << 20).to_le_bytes();
        let told = 100u32.to_le_bytes();
        let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..at + 4] == real).collect();
        assert!(!places.is_empty());
        for at in places {
            bytes[at..at + 4].copy_from_slice(&told);
        }
        let mut archive = Archive::open(&bytes, &ParseLimits::default()).unwrap();
        assert!(archive.verify_sizes().is_err());
        assert!(archive.read(0).is_err());
    }

    #[test]
    fn names_are_decoded_and_checked() {
        let (gbk, _, _) = encoding_rs::GBK.encode("退货政策.txt");
        assert_eq!(decode_name(&gbk), "退货政策.txt");
        assert!(is_safe_name("手册/第一章.md"));
        for name in ["../a.txt", "a/../../b", "/etc/passwd", "C:\\a.txt", "..\\a", "\\\\server\\a"] {
            assert!(!is_safe_name(name), "{name}");
        }
        let bytes = archive_of(&[("a.txt", b"x"), ("__MACOSX/._a.txt", b"x"), ("b/.DS_Store", b"x")]);
        assert_eq!(Archive::open(&bytes, &ParseLimits::default()).unwrap().names().unwrap(), [(0, "a.txt".to_owned())]);
    }
}

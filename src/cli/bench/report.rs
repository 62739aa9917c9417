//! What a comparison prints: rows of ours against each rival, as JSON and as a table.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::output;
use crate::inference::device;

/// What several measurements of one thing gave.
///
/// **Order**: quartiles are those of the sorted values, without interpolation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    pub n: usize,
    pub median: f64,
    pub first_quartile: f64,
    pub third_quartile: f64,
    pub p95: f64,
}

impl Spread {
    /// Of at least one finite value.
    pub fn of(mut values: Vec<f64>) -> anyhow::Result<Self> {
        values.retain(|value| value.is_finite());
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1).context("nothing was measured")?;
        let at = |share: f64| round(values[(share * last as f64).round() as usize]);
        Ok(Self { n: values.len(), median: at(0.5), first_quartile: at(0.25), third_quartile: at(0.75), p95: at(0.95) })
    }
}

/// Four digits: more is noise.
fn round(x: f64) -> f64 {
    let scale = 10f64.powi(3 - x.abs().max(1e-9).log10().floor() as i32);
    (x * scale).round() / scale
}

/// One thing measured for every engine.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What, in words.
    pub what: String,
    /// Of all its numbers.
    pub unit: &'static str,
    pub kefu: Spread,
    pub rivals: BTreeMap<String, Compared>,
}

/// A rival's part of a [`Row`].
#[derive(Debug, Serialize)]
pub struct Compared {
    #[serde(flatten)]
    pub spread: Spread,
    /// Our median divided by the rival's; `None` if the rival's is 0.
    pub ratio: Option<f64>,
}

impl Row {
    /// `of_rivals`: the measurements of each, by name.
    pub fn new(
        what: impl Into<String>,
        unit: &'static str,
        ours: Vec<f64>,
        of_rivals: impl IntoIterator<Item = (String, Vec<f64>)>,
    ) -> anyhow::Result<Self> {
        let what = what.into();
        let kefu = Spread::of(ours).with_context(|| what.clone())?;
        let compared = |(name, values): (String, Vec<f64>)| {
            let spread = Spread::of(values).with_context(|| format!("{what}, {name}"))?;
            let ratio = (spread.median != 0.0).then(|| round(kefu.median / spread.median));
            Ok((name, Compared { spread, ratio }))
        };
        let rivals = of_rivals.into_iter().map(compared).collect::<anyhow::Result<_>>()?;
        Ok(Self { what, unit, kefu, rivals })
    }
}

/// A whole comparison.
#[derive(Debug, Serialize)]
pub struct Report {
    pub machine: Machine,
    pub model: ModelFile,
    /// By name: the program and its arguments.
    pub rivals: BTreeMap<String, String>,
    pub rows: Vec<Row>,
}

/// Where it was measured.
#[derive(Debug, Serialize)]
pub struct Machine {
    pub kefu: &'static str,
    pub cpu: String,
    pub usable: String,
    /// Of every engine.
    pub threads: usize,
    /// Processes that wanted a processor in the minute before: anything else than 0 makes the numbers doubtful.
    pub load_before: f64,
}

impl Machine {
    /// Looks at the machine, and warns at the terminal when it is busy.
    pub fn look(threads: usize) -> Self {
        let proc_file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = proc_file("/proc/cpuinfo");
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let load_before =
            proc_file("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN);
        if load_before > 0.5 {
            output::say(&format!("the machine is busy (load {load_before}): these numbers will be doubtful"));
        }
        Self {
            kefu: env!("CARGO_PKG_VERSION"),
            cpu: model.map(|(_, name)| name.trim().to_owned()).unwrap_or_default(),
            usable: device::describe(),
            threads,
            load_before,
        }
    }
}

/// What every engine reads.
#[derive(Debug, Serialize)]
pub struct ModelFile {
    pub name: String,
    pub bytes: u64,
}

impl ModelFile {
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let metadata = path.metadata().with_context(|| format!("`{}` cannot be read", path.display()))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, bytes: metadata.len() })
    }
}

impl Report {
    /// JSON on standard output, a table on standard error.
    pub fn print(&self) -> anyhow::Result<()> {
        output::say(&self.table());
        output::print_json(self)
    }

    /// Medians with their quartiles; for each rival also our median divided by its.
    fn table(&self) -> String {
        let mut head = vec!["".to_owned(), "unit".to_owned(), "kefu".to_owned()];
        head.extend(self.rivals.keys().flat_map(|name| [name.clone(), "ratio".to_owned()]));
        let mut lines = vec![head];
        for row in &self.rows {
            let mut line = vec![row.what.clone(), row.unit.to_owned(), cell(&row.kefu)];
            for name in self.rivals.keys() {
                match row.rivals.get(name) {
                    Some(rival) => {
                        let ratio = rival.ratio.map_or_else(|| "–".to_owned(), |ratio| ratio.to_string());
                        line.extend([cell(&rival.spread), ratio]);
                    }
                    None => line.extend(["–".to_owned(), "–".to_owned()]),
                }
            }
            lines.push(line);
        }
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
        let aligned = |line: &Vec<String>| {
            let cells = line.iter().zip(&widths).enumerate();
            let cells = cells.map(|(i, (cell, w))| if i < 2 { format!("{cell:<w$}") } else { format!("{cell:>w$}") });
            cells.collect::<Vec<_>>().join("  ")
        };
        lines.iter().map(aligned).collect::<Vec<_>>().join("\n")
    }
}

fn cell(spread: &Spread) -> String {
    match spread.n {
        1 => spread.median.to_string(),
        _ => format!("{} ({}–{})", spread.median, spread.first_quartile, spread.third_quartile),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_ours_divided_by_the_rivals_and_rivals_that_do_not_measure_leave_a_gap() {
        let rival = |value: f64| [("llama.cpp".to_owned(), vec![value])];
        let both = Row::new("prefill", "tok/s", vec![30.0, 10.0, 20.0], rival(40.0)).unwrap();
        assert_eq!((both.kefu.median, both.kefu.first_quartile, both.kefu.p95), (20.0, 20.0, 30.0));
        assert_eq!(both.rivals["llama.cpp"].ratio, Some(0.5));
        let nothing = Row::new("reused", "tokens", vec![5.0], rival(0.0)).unwrap();
        assert_eq!(nothing.rivals["llama.cpp"].ratio, None);
        let alone = Row::new("load", "ms", vec![1.0], []).unwrap();
        let report = Report {
            machine: Machine { kefu: "", cpu: String::new(), usable: String::new(), threads: 1, load_before: 0.0 },
            model: ModelFile { name: String::new(), bytes: 0 },
            rivals: BTreeMap::from([("llama.cpp".to_owned(), String::new())]),
            rows: vec![both, alone],
        };
        let table = report.table();
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[1].contains("20 (20–30)") && lines[1].ends_with("0.5"), "{table}");
        assert!(lines[2].ends_with('–') && lines[2].contains("ms"), "{table}");
    }

    #[test]
    fn numbers_keep_four_digits_and_no_numbers_are_an_error() {
        assert_eq!(round(123_456.0), 123_500.0);
        assert_eq!(round(0.012_345_6), 0.012_35);
        assert_eq!(round(0.0), 0.0);
        assert!(Row::new("x", "s", vec![f64::NAN], []).is_err());
    }
}

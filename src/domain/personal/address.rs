//! Postal addresses: a grammar of administrative divisions, streets, numbers and units, with a score.
//!
//! One level alone is a place ("杭州市"), two may be a shop ("南京路88号"); three or more that end in a door are where
//! somebody lives.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::compile;
use crate::domain::text::{Span, is_han};

/// Levels that make an address.
const MIN_LEVELS: usize = 3;

/// Chinese characters that a name of a place may have: not those that lead up to it.
const HAN: &str = r"[\p{Han}&&[^我你您他她在住是到寄送的址货了请给把就或与买卖]]";
const NUMBER: &str = r"[0-9A-Za-z一二三四五六七八九十甲乙丙丁]";

static CHINESE: LazyLock<Regex> = LazyLock::new(|| {
    let division = |suffixes: &str, name: &str| format!(r"(?P<{name}>{HAN}{{1,8}}?(?:{suffixes})[ ,，]?)?");
    let admin = [
        r"(?P<country>中国[ ,，]?)?".to_owned(),
        division("省|自治区|特别行政区", "province"),
        division("市|自治州|地区|盟", "city"),
        division("区|县|旗|市", "district"),
        division("街道|镇|乡", "town"),
    ]
    .concat();
    let street = format!(
        r"(?P<street>(?:{HAN}|\d){{1,10}}?(?:大道|大街|路|街|巷|胡同|弄|道|村|屯|组)(?:[东西南北中][段路])?[ ,，]?)?"
    );
    let door = r"(?P<door>\d{1,5}(?:[-之]\d{1,4})?(?:弄\d{1,4})?(?:号院|号楼|号|弄|院)[ ,，]?)?";
    let estate = format!(
        r"(?P<estate>(?:{HAN}|{NUMBER}){{2,10}}?(?:小区|花园|公寓|大厦|广场|家园|新村|新城|产业园|科技园|工业园|宿舍|中心|大楼|苑|府|城|园|庭|湾|里)[ ,，]?)?"
    );
    let units = format!(
        r"(?P<units>(?:(?:{NUMBER}{{1,4}}|\d+[-－]\d+)(?:号楼|栋|幢|座|单元|楼|层|室|房|号|户|门)[ ,，-]?){{0,4}}(?:\d{{1,3}}-\d{{1,4}}(?:-\d{{2,4}})?|\d{{3,4}})?)"
    );
    compile(&format!("{admin}{street}{door}{estate}{units}"))
});

static LATIN: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"(?-u:\b)\d{1,5}[A-Za-z]?,? (?:[NSEW]\.? )?(?:[A-Z][A-Za-z'\-]+ |\d{1,3}(?:st|nd|rd|th) ){1,4}",
        r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Terrace|Close|Square|Sq|Parkway|Pkwy)(?-u:\b)\.?",
        r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|#)\.? ?#?\w{1,6})?",
        r"(?:,? [A-Z][A-Za-z .'\-]{1,30})?(?:,? [A-Z]{2})?(?:,? (?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}))?"
    ))
});

static UNIT: LazyLock<Regex> = LazyLock::new(|| compile(r"号楼|栋|幢|座|单元|楼|层|室|房|户|门|\d-\d|\d{3,4}$"));

/// Where somebody lives.
pub(super) fn addresses(text: &str) -> Vec<Span> {
    // The grammar may match nothing at every place of a text: worth it only where there is Chinese.
    let chinese_text = if text.contains(is_han) { text } else { "" };
    let chinese = CHINESE.captures_iter(chinese_text).filter(is_address).filter_map(|found| found.get(0));
    let latin = LATIN.find_iter(text);
    chinese.chain(latin).map(|found| trimmed(text, Span { start: found.start(), end: found.end() })).collect()
}

fn is_address(found: &Captures<'_>) -> bool {
    let has = |name: &str| found.name(name).is_some_and(|part| !part.as_str().is_empty());
    let n_admin = ["province", "city", "district", "town"].into_iter().filter(|name| has(name)).count();
    let units = found.name("units").map_or("", |part| part.as_str().trim_end_matches([' ', ',', '，']));
    let n_units = UNIT.find_iter(units).count();
    let n_street = usize::from(has("street")) + usize::from(has("estate"));
    let n_doors = usize::from(has("door")) + n_units;
    n_street + n_doors + n_admin >= MIN_LEVELS && n_doors >= 1 && (n_street >= 1 || n_admin >= 2)
}

fn trimmed(text: &str, span: Span) -> Span {
    let end = span.start + text[span.start..span.end].trim_end_matches([' ', ',', '，', '-']).len();
    Span { end, ..span }
}

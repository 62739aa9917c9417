//! What a document's style sheet and numbering say of a paragraph: is it a title, is it an item, which number has it.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::attribute;

/// Styles inherit from each other; a longer chain is a loop.
const MAX_STYLE_CHAIN: usize = 12;

/// The list a paragraph belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListRef {
    /// Its numbering; none if it is no item. `0` means that a style's numbering is switched off.
    pub id: Option<String>,
    /// Depth, 0 to 8.
    pub level: usize,
}

#[derive(Debug, Clone, Default)]
struct Style {
    based_on: Option<String>,
    level: Option<u8>,
    list: ListRef,
}

/// Paragraph styles by id.
#[derive(Default)]
pub(super) struct Styles(HashMap<String, Style>);

impl Styles {
    /// Reads `word/styles.xml`; what is broken of it counts as absent.
    pub fn read(xml: &str) -> Self {
        let mut styles = HashMap::new();
        let mut open: Option<(String, Style)> = None;
        for_each_start(xml, |start, is_end| {
            let local = start.local_name();
            let value = || attribute(start, "val").unwrap_or_default();
            match (local.as_ref(), &mut open) {
                ("style", _) => {
                    styles.extend(open.take());
                    if !is_end {
                        open = attribute(start, "styleId").map(|id| (id, Style::default()));
                    }
                }
                ("name", Some((_, style))) => style.level = style.level.or(level_named(&value())),
                ("basedOn", Some((_, style))) => style.based_on = Some(value()),
                ("outlineLvl", Some((_, style))) => {
                    style.level = value().parse::<u8>().ok().filter(|level| *level < 9).map(|level| level + 2);
                }
                ("numId", Some((_, style))) => style.list.id = Some(value()),
                ("ilvl", Some((_, style))) => style.list.level = value().parse().unwrap_or(0).min(8),
                _ => {}
            }
        });
        styles.extend(open);
        Self(styles)
    }

    /// Level of the titles that have this style; 1 is the document's own.
    pub fn level_of(&self, id: &str) -> Option<u8> {
        self.chain(id).find_map(|style| style.level)
    }

    /// The list that this style makes of a paragraph.
    pub fn list_of(&self, id: &str) -> ListRef {
        self.chain(id).find(|style| style.list.id.is_some()).map(|style| style.list.clone()).unwrap_or_default()
    }

    fn chain<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Style> {
        let parent = |style: &&'a Style| style.based_on.as_deref().and_then(|id| self.0.get(id));
        std::iter::successors(self.0.get(id), parent).take(MAX_STYLE_CHAIN)
    }
}

/// `heading 2` and `标题 2` are below `Title`, whatever the style is called in the interface.
fn level_named(name: &str) -> Option<u8> {
    let name = name.to_lowercase();
    if matches!(name.as_str(), "title" | "标题" | "標題") {
        return Some(1);
    }
    let number = ["heading", "标题", "標題"].iter().find_map(|prefix| name.strip_prefix(prefix))?;
    number.trim().parse::<u8>().ok().filter(|level| (1..=9).contains(level)).map(|level| level + 1)
}

/// Which lists count and which have bullets.
#[derive(Default)]
pub(super) struct Numbering {
    abstract_of: HashMap<String, String>,
    counts: HashMap<(String, usize), bool>,
}

/// Numbers given so far, by list and level.
#[derive(Default)]
pub(super) struct Counters(HashMap<String, [u32; 9]>);

impl Numbering {
    /// Reads `word/numbering.xml`; what is broken of it counts as absent.
    pub fn read(xml: &str) -> Self {
        let mut numbering = Self::default();
        let (mut open_abstract, mut open_num, mut level) = (String::new(), String::new(), 0usize);
        for_each_start(xml, |start, _| {
            let local = start.local_name();
            let value = |name| attribute(start, name).unwrap_or_default();
            match local.as_ref() {
                "abstractNum" => open_abstract = value("abstractNumId"),
                "lvl" => level = value("ilvl").parse().unwrap_or(0),
                "numFmt" => {
                    let counts = !matches!(value("val").as_str(), "bullet" | "none");
                    numbering.counts.insert((open_abstract.clone(), level), counts);
                }
                "num" => open_num = value("numId"),
                "abstractNumId" => {
                    numbering.abstract_of.insert(open_num.clone(), value("val"));
                }
                _ => {}
            }
        });
        numbering
    }

    /// What stands before the text of an item: its indent and its number or bullet.
    pub fn marker(&self, list: &ListRef, counters: &mut Counters) -> Option<String> {
        let id = list.id.as_ref().filter(|id| *id != "0")?;
        let indent = "  ".repeat(list.level);
        let counts = self.abstract_of.get(id).and_then(|id| self.counts.get(&(id.clone(), list.level)));
        if !counts.copied().unwrap_or(false) {
            return Some(format!("{indent}- "));
        }
        let numbers = counters.0.entry(id.clone()).or_default();
        let number = numbers.get_mut(list.level)?;
        *number += 1;
        let marker = format!("{indent}{number}. ");
        numbers[list.level + 1..].fill(0);
        Some(marker)
    }
}

/// Calls `visit` for each start tag, and whether it is an empty element.
fn for_each_start(xml: &str, mut visit: impl FnMut(&BytesStart<'_>, bool)) {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => visit(&start, false),
            Ok(Event::Empty(start)) => visit(&start, true),
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

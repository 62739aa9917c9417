//! Which elements a reader of the rendered page would not see.
//!
//! # Why
//! Text that people cannot see but machines read is the usual way to plant instructions. We do not render pages; we
//! know the usual tricks: `hidden`, `display: none`, zero size or opacity, text in the color of its ground, text moved
//! off the page, by a `style` attribute or by a plain rule of the page's own style sheet.

use std::collections::HashSet;
use std::sync::LazyLock;

use ego_tree::NodeId;
use regex::Regex;
use scraper::node::Element;
use scraper::{Html, Selector};

/// Rules of style sheets that are looked at; a page with more is a page we do not understand anyway.
const MAX_RULES: usize = 2000;

/// A color as far as we understand it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Color {
    Rgb(u8, u8, u8),
    /// A picture, a gradient, a name we do not know.
    Unknown,
}

const WHITE: Color = Color::Rgb(255, 255, 255);

/// The colors in force at an element.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Paint {
    text: Option<Color>,
    ground: Option<Color>,
}

impl Paint {
    /// What `element` makes of the colors it inherits.
    pub fn with(self, element: &Element) -> Self {
        let mut paint = self;
        if let Some(color) = element.attr("color").or_else(|| element.attr("text")) {
            paint.text = Some(color_of(color));
        }
        if let Some(color) = element.attr("bgcolor") {
            paint.ground = Some(color_of(color));
        }
        for (name, value) in declarations(element.attr("style").unwrap_or_default()) {
            match name.as_str() {
                "color" => paint.text = Some(color_of(&value)),
                "background" | "background-color" => paint.ground = Some(color_of(&value)),
                "background-image" => paint.ground = Some(Color::Unknown),
                _ => {}
            }
        }
        paint
    }

    fn is_unseen(self) -> bool {
        self.text.is_some_and(|text| text != Color::Unknown && text == self.ground.unwrap_or(WHITE))
    }
}

/// What the page's own style sheets hide.
pub(super) struct Visibility {
    hidden_by_sheet: HashSet<NodeId>,
}

impl Visibility {
    /// Reads the style sheets of `html`.
    pub fn new(html: &Html) -> Self {
        let mut hidden_by_sheet = HashSet::new();
        let Ok(style) = Selector::parse("style") else { return Self { hidden_by_sheet } };
        let sheets: String = html.select(&style).flat_map(|sheet| sheet.text()).collect();
        for selector in hiding_selectors(&sheets) {
            hidden_by_sheet.extend(html.select(&selector).map(|element| element.id()));
        }
        Self { hidden_by_sheet }
    }

    /// Whether `element`, standing where `above` is in force, is unseen with all that is in it.
    pub fn is_hidden(&self, id: NodeId, element: &Element, above: Paint) -> bool {
        let paint = above.with(element);
        self.hidden_by_sheet.contains(&id)
            || element.attr("hidden").is_some()
            || declarations(element.attr("style").unwrap_or_default()).any(|(name, value)| is_hiding(&name, &value))
            || (paint != above && paint.is_unseen())
    }
}

/// Selectors of the rules that hide. Rules inside `@media` and the like hold only sometimes and are ignored.
fn hiding_selectors(sheet: &str) -> Vec<Selector> {
    static COMMENT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?s)/\*.*?\*/").expect("a constant pattern"));
    let sheet = COMMENT.replace_all(sheet, "");
    let mut found = Vec::new();
    let (mut depth, mut start, mut selector) = (0usize, 0, "");
    for (at, c) in sheet.char_indices() {
        match c {
            '{' => {
                if depth == 0 {
                    selector = sheet[start..at].trim();
                }
                depth += 1;
                start = at + 1;
            }
            '}' => {
                depth = depth.saturating_sub(1);
                let hides = declarations(&sheet[start..at]).any(|(name, value)| is_hiding(&name, &value));
                if depth == 0 && hides && !selector.starts_with('@') {
                    found.extend(Selector::parse(selector).ok());
                }
                start = at + 1;
            }
            ';' if depth == 0 => start = at + 1,
            _ => {}
        }
        if found.len() >= MAX_RULES {
            break;
        }
    }
    found
}

fn declarations(style: &str) -> impl Iterator<Item = (String, String)> {
    style.split(';').filter_map(|declaration| {
        let (name, value) = declaration.split_once(':')?;
        let value = value.to_lowercase().replace("!important", "");
        Some((name.trim().to_lowercase(), value.trim().to_owned()))
    })
}

fn is_hiding(name: &str, value: &str) -> bool {
    match name {
        "display" => value == "none",
        "visibility" => matches!(value, "hidden" | "collapse"),
        "opacity" => value.trim_end_matches('%').parse::<f32>().is_ok_and(|opacity| opacity < 0.05),
        "font-size" => number_of(value).is_some_and(|size| size < 1.0 && !has_relative_unit(value)),
        "text-indent" | "left" | "top" | "margin-left" => number_of(value).is_some_and(|offset| offset <= -999.0),
        "clip" => value.replace(' ', "").starts_with("rect(0,0,0,0"),
        _ => false,
    }
}

/// `0.8em` is small print, `0.8px` is nothing.
fn has_relative_unit(value: &str) -> bool {
    ["em", "rem", "ex", "vw", "vh", "in", "cm"].iter().any(|unit| value.ends_with(unit))
        && number_of(value) != Some(0.0)
}

fn number_of(value: &str) -> Option<f32> {
    let end = value.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(value.len());
    value[..end].parse().ok()
}

fn color_of(value: &str) -> Color {
    let value = value.trim().to_lowercase();
    match value.as_str() {
        "white" => WHITE,
        "black" => Color::Rgb(0, 0, 0),
        _ => hex_color(&value).or_else(|| rgb_color(&value)).unwrap_or(Color::Unknown),
    }
}

fn hex_color(value: &str) -> Option<Color> {
    let digits: Vec<u8> = value.strip_prefix('#')?.chars().map_while(|c| c.to_digit(16)).map(|d| d as u8).collect();
    match digits.as_slice() {
        [r, g, b] => Some(Color::Rgb(r * 17, g * 17, b * 17)),
        [r1, r2, g1, g2, b1, b2] => Some(Color::Rgb(r1 * 16 + r2, g1 * 16 + g2, b1 * 16 + b2)),
        _ => None,
    }
}

fn rgb_color(value: &str) -> Option<Color> {
    let inner = value.strip_prefix("rgb(")?.strip_suffix(')')?;
    let parts: Vec<u8> = inner.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    match parts.as_slice() {
        [r, g, b] => Some(Color::Rgb(*r, *g, *b)),
        _ => None,
    }
}

//! What must hold on every page, at every width, in both languages.
//!
//! The browser itself is asked: its accessibility tree for names, its layout for overflow, its keyboard for the focus.

use serde_json::{Value, json};

use crate::driver::Browser;

/// Roles that a person can do something with.
const CONTROLS: [&str; 11] = [
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "checkbox",
    "radio",
    "slider",
    "spinbutton",
    "switch",
    "tab",
];
/// As many stops of the Tab key are looked at on a page; lists repeat themselves after that.
const STOPS: usize = 20;

/// Fails with all that is wrong with the page that is open. `name` is for the message.
pub fn look_at(page: &Browser, name: &str) {
    let wrong = faults(page);
    assert!(wrong.is_empty(), "{name}:\n  {}", wrong.join("\n  "));
}

/// Fails if the look at a page that has every fault does not see them all.
pub fn see_every_fault(page: &Browser) {
    page.open(
        "data:text/html,<style>*{outline:none!important}</style><button></button><a href='/' style='margin:2000px'>a</a>\
         <script>console.error('a mistake')</script>",
    );
    let wrong = faults(page).join("\n");
    for fault in ["sideways", "no name: \"button\"", "focus is not to be seen", "a mistake"] {
        assert!(wrong.contains(fault), "not seen: {fault}, but: {wrong}");
    }
}

fn faults(page: &Browser) -> Vec<String> {
    let mut wrong = Vec::new();
    wrong.extend(overflow(page));
    wrong.extend(nameless_controls(page));
    wrong.extend(invisible_focus(page));
    wrong.extend(page.errors());
    wrong
}

fn overflow(page: &Browser) -> Option<String> {
    let script = "return [document.scrollingElement.scrollWidth, innerWidth]";
    let widths = page.run(script, &[]);
    let [content, window] = [0, 1].map(|i| widths[i].as_f64().expect("a width"));
    (content > window).then(|| format!("scrolls sideways: {content} px in {window} px"))
}

/// Names as a screen reader would say them.
fn nameless_controls(page: &Browser) -> Vec<String> {
    let tree = page.devtools("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().expect("nodes");
    let is_control = |node: &&Value| node["role"]["value"].as_str().is_some_and(|role| CONTROLS.contains(&role));
    let controls: Vec<_> = nodes.iter().filter(|node| node["ignored"] != true).filter(is_control).collect();
    assert!(!controls.is_empty(), "a page that has nothing to use");
    let is_nameless = |node: &&&Value| node["name"]["value"].as_str().unwrap_or("").trim().is_empty();
    let show = |node: &&Value| format!("no name: {} {}", node["role"]["value"], node["backendDOMNodeId"]);
    controls.iter().filter(is_nameless).map(show).collect()
}

/// The keyboard's stops, one after the other: each must be seen, and on the screen.
fn invisible_focus(page: &Browser) -> Vec<String> {
    let script = "
        const at = document.activeElement;
        if (!at || at === document.body || at.tagName === 'IFRAME') return null;
        const { outlineStyle, outlineWidth } = getComputedStyle(at);
        const box = at.getBoundingClientRect();
        const isSeen = outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
        const isHere = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
        return [isSeen && isHere, at.outerHTML.slice(0, 120)];";
    let mut wrong = Vec::new();
    for _ in 0..STOPS {
        page.press_tab();
        let stop = page.run(script, &[]);
        if stop[0] == false {
            wrong.push(format!("the focus is not to be seen on {}", stop[1]));
        }
    }
    wrong
}

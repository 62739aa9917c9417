use super::*;
use crate::domain::document::{BlockKind, Parsed};
use crate::ingest::normalize::normalize;

fn parse(text: &str) -> Parsed {
    normalize(parse_html(text))
}

fn removed(parsed: &Parsed) -> Vec<&str> {
    parsed.warnings.iter().map(|warning| warning.detail.as_str()).collect()
}

#[test]
fn structure_becomes_blocks_and_machinery_is_left_out() {
    let parsed = parse(
        "<html><head><title>Shop</title><script>var a = 1;</script></head><body><nav><a>Home</a></nav>\
         <h1>Returns</h1><p>Seven <b>days</b>,\n free.</p><ul><li>Open <i>Orders</i></li><li>Tap Return\
         <ol><li>Pick a reason</li></ol></li></ul><pre>AF-500\n  v2</pre></body></html>",
    );
    let found: Vec<(BlockKind, &str)> = parsed.blocks.iter().map(|block| (block.kind, block.text.as_str())).collect();
    assert_eq!(
        found,
        [
            (BlockKind::Heading, "Returns"),
            (BlockKind::Paragraph, "Seven days, free."),
            (BlockKind::List, "- Open Orders\n- Tap Return\n  1. Pick a reason"),
            (BlockKind::Code, "AF-500\n  v2"),
        ]
    );
    assert!(parsed.warnings.is_empty());
}

#[test]
fn a_page_without_a_first_heading_is_headed_by_its_title() {
    let parsed = parse("<title>Delivery</title><p>Two days.</p>");
    assert_eq!(parsed.blocks[1].heading_path, ["Delivery"]);
}

#[test]
fn spanning_cells_are_repeated_in_every_row() {
    let parsed = parse(
        "<table><tr><th>Item</th><th colspan=2>Size</th></tr><tr><td rowspan=2>Shirt</td><td>S</td><td>90</td></tr>\
         <tr><td>M</td><td>95</td></tr></table>",
    );
    assert_eq!(parsed.text, "Item | Size | Size\nShirt | S | 90\nShirt | M | 95");
}

#[test]
fn a_layout_table_is_no_table() {
    let parsed = parse("<table><tr><td><h2>Care</h2><p>Wash cold.</p></td></tr></table>");
    assert_eq!(parsed.blocks[0].kind, BlockKind::Heading);
    assert_eq!(parsed.blocks[1].text, "Wash cold.");
}

#[test]
fn every_usual_way_to_hide_text_is_seen_through() {
    let parsed = parse(
        "<style>/* x */ .gone, .away { display : none } @media print { p { display: none } }</style>\
         <p>Seen.</p><p style='display:none'>one</p><div style='visibility: hidden'>two</div>\
         <span style='font-size:0'>three</span><p hidden>four</p><p style='color:#fff'>five</p>\
         <div style='background:#000'><p style='color:black'>six</p><p style='color:white'>Also seen.</p></div>\
         <p class='gone'>seven</p><p style='position:absolute;left:-9999px'>eight</p><p style='opacity:0'>nine</p>\
         <!-- ten is a comment -->",
    );
    assert_eq!(parsed.text, "Seen.\n\nAlso seen.");
    assert_eq!(
        removed(&parsed),
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten is a comment"]
    );
}

#[test]
fn depth_does_not_end_the_process() {
    let n = 2_000;
    let parsed = parse(&format!("{}deep{}", "<div>".repeat(n), "</div>".repeat(n)));
    assert_eq!(parsed.text, "deep");
}

#[test]
fn a_menu_of_links_is_removed_and_a_list_with_words_is_not() {
    let links = "<li><a href=a>新品</a></li>".repeat(3);
    let parsed = parse(&format!(
        "<div><a>首页</a><a>新品</a></div><ul>{links}</ul><div><a>购物车</a></div><p>七天内<a>可退</a>。</p><ul><li><a>a</a> or b</li></ul>"
    ));
    assert_eq!(parsed.text, "七天内可退。\n\n- a or b");
    assert_eq!(parsed.warnings[0].code, "menu_removed");
}

use std::io::{Cursor, Write};

use super::*;
use crate::domain::document::{BlockKind, Parsed};
use crate::ingest::normalize::normalize;

const STYLES: &str = r#"<w:styles xmlns:w="w">
  <w:style w:styleId="T"><w:name w:val="Title"/></w:style>
  <w:style w:styleId="2"><w:name w:val="heading 1"/></w:style>
  <w:style w:styleId="sub"><w:name w:val="Company Head"/><w:basedOn w:val="2"/></w:style>
</w:styles>"#;

const NUMBERING: &str = r#"<w:numbering xmlns:w="w">
  <w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl>
    <w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>
  <w:num w:numId="3"><w:abstractNumId w:val="7"/></w:num>
</w:numbering>"#;

fn docx(body: &str) -> Vec<u8> {
    let mut document = format!("<w:document xmlns:w=\"w\"><w:body>{body}");
    if body.ends_with('>') {
        document.push_str("</w:body></w:document>");
    }
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        ("[Content_Types].xml", "<Types/>"),
        ("word/document.xml", document.as_str()),
        ("word/styles.xml", STYLES),
        ("word/numbering.xml", NUMBERING),
        ("word/header1.xml", "<w:hdr><w:p><w:r><w:t>CONFIDENTIAL</w:t></w:r></w:p></w:hdr>"),
    ] {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn parse(body: &str) -> Parsed {
    normalize(parse_docx(&docx(body), &ParseLimits::default()).unwrap())
}

fn p(properties: &str, text: &str) -> String {
    format!("<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

#[test]
fn titles_come_from_styles_and_items_keep_their_numbers() {
    let item =
        |level: u8, text| p(&format!("<w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"3\"/></w:numPr>"), text);
    let parsed = parse(
        &[
            p("<w:pStyle w:val=\"T\"/>", "Warranty"),
            p("<w:pStyle w:val=\"sub\"/>", "How to claim"),
            p("", "Two &amp; three:"),
            item(0, "Call us"),
            item(1, "or write"),
            item(0, "Send it"),
            p("", "二、例外"),
            p("", "Water damage."),
        ]
        .concat(),
    );
    let found: Vec<(BlockKind, &str)> = parsed.blocks.iter().map(|block| (block.kind, block.text.as_str())).collect();
    assert_eq!(
        found,
        [
            (BlockKind::Heading, "Warranty"),
            (BlockKind::Heading, "How to claim"),
            (BlockKind::Paragraph, "Two & three:"),
            (BlockKind::List, "1. Call us\n  - or write\n2. Send it"),
            (BlockKind::Heading, "二、例外"),
            (BlockKind::Paragraph, "Water damage."),
        ]
    );
    assert_eq!(parsed.blocks[5].heading_path, ["Warranty", "How to claim", "二、例外"]);
}

#[test]
fn merged_cells_are_repeated() {
    let cell = |properties: &str, text: &str| format!("<w:tc><w:tcPr>{properties}</w:tcPr>{}</w:tc>", p("", text));
    let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
    let parsed = parse(&format!(
        "<w:tbl>{}{}{}</w:tbl>",
        row(&[cell("", "Part"), cell("<w:gridSpan w:val=\"2\"/>", "Months")]),
        row(&[cell("<w:vMerge w:val=\"restart\"/>", "Motor"), cell("", "12"), cell("", "24")]),
        row(&[cell("<w:vMerge/>", ""), cell("", "6"), cell("", "8")]),
    ));
    assert_eq!(parsed.text, "Part | Months | Months\nMotor | 12 | 24\nMotor | 6 | 8");
}

#[test]
fn deleted_text_is_gone_and_hidden_text_is_reported() {
    let parsed = parse(
        "<w:p><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr><w:r><w:t>Seven</w:t></w:r>\
         <w:del><w:r><w:delText>x</w:delText><w:t>ten</w:t></w:r></w:del>\
         <w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r>\
         <w:r><w:rPr><w:color w:val=\"FFFFFF\"/></w:rPr><w:t> white</w:t></w:r>\
         <w:r><w:t xml:space=\"preserve\"> days</w:t></w:r></w:p>",
    );
    assert_eq!(parsed.text, "Seven days");
    assert_eq!(parsed.warnings[0].detail, "secret white");
}

#[test]
fn a_document_without_text_or_cut_short_is_never_an_empty_success() {
    let error = parse_docx(&docx("<w:p/>"), &ParseLimits::default()).unwrap_err();
    assert_eq!(error.code(), "empty");
    for broken in ["<w:p><w:r><w:t>One</w:t></w:r></w:p><w:p", "<w:p><w:r><w:t>One</w:t></w:r></w:p><!-- "] {
        let parsed = parse(broken);
        assert_eq!((parsed.text.as_str(), parsed.warnings[0].code.as_str()), ("One", "cut_short"), "{broken}");
    }
}

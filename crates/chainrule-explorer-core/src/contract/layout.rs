//! How a declaration of ts-rs, which is one long line, is laid out for people.

/// Types that are longer than this take a line for each of their parts.
const WIDTH: usize = 110;

/// `type Name = ...;` with its documentation, as the page's sources are written.
pub(super) fn declaration(docs: &str, declaration: &str) -> String {
    let declared = declaration.trim_start_matches("type ").trim_end_matches(';');
    let (name, of) = declared.split_once('=').expect("ts-rs declares a type");
    let (docs, name) = (comment(docs, ""), name.trim());
    let of = laid_out_type(of, "", WIDTH - name.len());
    if of.starts_with("{\n") {
        return format!("\n{docs}export interface {name} {of}\n");
    }
    let equals = if of.starts_with('\n') { " =" } else { " = " };
    format!("\n{docs}export type {name}{equals}{of}\n")
}

/// A union, an object, or any other type; on one line where it is as short as `width`.
fn laid_out_type(text: &str, indent: &str, width: usize) -> String {
    let text = text.trim();
    let parts = split(text, '|');
    if parts.len() == 1 {
        let is_object = text.starts_with('{') && text.ends_with('}');
        return if is_object { object(text, indent) } else { text.replace('"', "'") };
    }
    let inner = format!("{indent}  ");
    let parts: Vec<_> = parts.iter().map(|part| laid_out_type(part, &inner, width)).collect();
    let line = parts.join(" | ");
    if line.len() <= width && !line.contains('\n') {
        return line;
    }
    parts.iter().map(|part| format!("\n{inner}| {part}")).collect()
}

/// An object on one line, or, where it is declared as a type or something is said of a field, a line for each field.
fn object(text: &str, indent: &str) -> String {
    let fields = split(&text[1..text.len() - 1], ',');
    let fields = fields.iter().map(|field| field.trim()).filter(|field| !field.is_empty());
    if !indent.is_empty() && !text.contains("/**") {
        let fields: Vec<_> = fields.map(|field| self::field(field, indent)).collect();
        return format!("{{ {} }}", fields.join(", "));
    }
    let inner = format!("{indent}  ");
    let lines = fields.map(|field| match field.split_once("*/") {
        Some((docs, field)) => format!("{}{inner}{}\n", comment(docs, &inner), self::field(field, &inner)),
        None => format!("{inner}{}\n", self::field(field, &inner)),
    });
    format!("{{\n{}{indent}}}", lines.collect::<String>())
}

/// `name: type`
fn field(text: &str, indent: &str) -> String {
    let parts = split(text, ':');
    let (name, of) = (parts[0].trim().trim_matches('"'), parts[1..].join(":"));
    format!("{name}: {}", laid_out_type(&of, indent, WIDTH))
}

/// The comment, on one line if it has one, and without what only rustdoc reads.
fn comment(docs: &str, indent: &str) -> String {
    let text = docs.replace("/**", "").replace("*/", "").replace("\\[", "[").replace("\\]", "]");
    let text = text.replace("[`", "`").replace("`]", "`");
    let lines: Vec<_> = text.lines().map(|line| line.trim().trim_start_matches('*').trim()).collect();
    let text = lines.join("\n");
    match text.trim() {
        "" => String::new(),
        line if !line.contains('\n') => format!("{indent}/** {line} */\n"),
        lines => {
            let lines = lines.lines().map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n");
            format!("{indent}/**\n{}{indent} */\n", lines.collect::<String>())
        }
    }
}

/// The parts between the separators that stand in no bracket, string or comment.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    let (mut in_string, mut in_comment) = (false, false);
    for (index, letter) in text.char_indices() {
        let rest = &text[index..];
        match letter {
            _ if in_comment => in_comment = !rest.starts_with("*/"),
            '"' => in_string = !in_string,
            _ if in_string => {}
            '/' if rest.starts_with("/*") => in_comment = true,
            '{' | '[' | '<' | '(' => depth += 1,
            '}' | ']' | '>' | ')' => depth -= 1,
            _ if letter == separator && depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

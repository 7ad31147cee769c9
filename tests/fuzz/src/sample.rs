//! A delivery as readable text: a line for each header, an empty line, the body.

use webhook_verify::Header;

/// Reads the headers and the body. A header line without a colon is a name with an empty value.
/// Without an empty line, the body is empty.
pub(crate) fn delivery(input: &[u8]) -> (Vec<Header>, &[u8]) {
    let end = input.windows(2).position(|pair| pair == b"\n\n").unwrap_or(input.len());
    let body = input.get(end + 2..).unwrap_or_default();
    let headers = input[..end].split(|byte| *byte == b'\n').map(|line| {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        Header::new(String::from_utf8_lossy(&line[..colon]), value)
    });
    (headers.collect(), body)
}

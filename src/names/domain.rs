//! A mail domain, or all below one, as an allow-list of a hub has it.
//!
//! The hub's rule (oauthenticator): what follows the last `@`, in lower case, matched by the entry as
//! `fnmatch` does: `*` crosses dots, and `ab.ca` admits nobody of `school.ab.ca`.

use std::fmt;

use crate::error::{Error, Kind};

/// The longest label.
const LABEL_MAX: usize = 63;

/// A domain that may stand in an allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// As the list has it: lower case, A-labels, with a leading `*.` if it is for all below.
    pub entry: String,
    /// What was changed about what was typed, for a person.
    pub said: Vec<String>,
    /// What was typed was not ASCII: it may look like another one.
    pub unicode: bool,
    /// It is a public suffix, or all below one: far more people than a school's.
    pub wide: bool,
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.entry)
    }
}

fn refused<T>(typed: &str, why: &str, next: impl Into<String>) -> Result<T, Error> {
    let fact = format!("`{typed}` is no domain for the list: {why}");
    Err(Error::new(Kind::Usage, fact).hint(next.into()))
}

/// Why something is no domain at all, and what to write instead.
fn unlike(typed: &str) -> Option<(String, String)> {
    let write = |name: &str| match name {
        "" => "write it as in school.ab.ca".to_owned(),
        name => format!("write {name}"),
    };
    if typed.is_empty() {
        return Some(("it is empty".to_owned(), write("")));
    }
    let (scheme, rest) = match typed.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, typed.trim_start_matches('/')),
    };
    let (host, path) = match rest.find(['/', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    // A `?` alone may be meant as a wildcard.
    let host = host.split('?').next().filter(|_| scheme).unwrap_or(host);
    let (user, host) = host
        .rsplit_once('@')
        .map_or((false, host), |(_, h)| (true, h));
    if is_ip(host) {
        let next = "people have no mail there: write the domain".to_owned();
        return Some(("it is an IP address".to_owned(), next));
    }
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    let why = if scheme {
        "it is an address on the web".to_owned()
    } else if user {
        "it is somebody's address".to_owned()
    } else if !port.is_empty() {
        format!("it has a port ({port})")
    } else if !path.is_empty() || rest != typed {
        "it has a path".to_owned()
    } else {
        return None;
    };
    Some((why, write(name)))
}

fn is_ip(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    bare.parse::<std::net::IpAddr>().is_ok() || host.parse::<std::net::SocketAddr>().is_ok()
}

impl Domain {
    /// Reads what somebody typed.
    ///
    /// # Errors
    /// With the fix: an address, a URL, a port, an IP, a name without a known top-level domain, bad
    /// labels, wildcards other than a leading `*.`.
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let mut said = Vec::new();
        let trimmed = typed.trim();
        if trimmed != typed {
            said.push("the space around it was left off".to_owned());
        }
        if let Some((why, next)) = unlike(trimmed) {
            return refused(typed, &why, next);
        }
        let (star, name) = match trimmed.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, trimmed),
        };
        if name.contains(['*', '?', '[', ']', '!']) {
            let next = "only a leading `*.` is understood, which is everybody below a domain";
            return refused(typed, "it has a wildcard elsewhere", next);
        }
        let bare = name.strip_suffix('.').unwrap_or(name);
        if bare != name {
            said.push("the dot at its end was left off".to_owned());
        }
        let unicode = !bare.is_ascii();
        let ascii = idna::domain_to_ascii_strict(bare)
            .or_else(|_| refused(typed, why_not(bare), "write it as in school.ab.ca"))?;
        if unicode {
            said.push(format!("it is written {ascii} in the list"));
        } else if ascii != bare {
            said.push("it was put into lower case".to_owned());
        }
        if let Some(label) = ascii.split('.').find(|label| !is_label(label)) {
            let why = format!("`{label}` is no part of a domain");
            return refused(
                typed,
                &why,
                "letters, digits and dashes between them, 63 at most",
            );
        }
        let wide = match psl::suffix(ascii.as_bytes()) {
            Some(suffix) if suffix.is_known() => suffix.as_bytes() == ascii.as_bytes(),
            _ => {
                let last = ascii.rsplit('.').next().unwrap_or(&ascii);
                let why = format!("there is no top-level domain `{last}`");
                return refused(typed, &why, "check the spelling");
            }
        };
        let entry = if star { format!("*.{ascii}") } else { ascii };
        Ok(Self {
            entry,
            said,
            unicode,
            wide,
        })
    }
}

fn why_not(name: &str) -> &'static str {
    if name.contains("..") || name.starts_with('.') {
        "it has two dots, and nothing between them"
    } else if name.contains('_') {
        "it has a `_`"
    } else if name.split('.').any(|label| label.len() > LABEL_MAX) {
        "one of its parts is longer than 63 characters"
    } else {
        "one of its parts is no part of a domain"
    }
}

fn is_label(label: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !label.is_empty()
        && label.len() <= LABEL_MAX
        && label.starts_with(word)
        && label.ends_with(word)
        && label.chars().all(|c| word(c) || c == '-')
}

/// Whether an entry of a list is a pattern, which stands apart from the others.
fn is_special(entry: &str) -> bool {
    entry.contains(['*', '?', '[', '!'])
}

/// The entry that admits this domain already: itself wherever it stands, else the first pattern.
pub fn covered<'a>(domain: &str, list: &'a [String]) -> Option<&'a str> {
    let itself = |entry: &&String| entry.to_lowercase() == domain;
    let admits = |entry: &&String| fnmatch(&entry.to_lowercase(), domain);
    let found = list.iter().find(itself);
    found
        .or_else(|| list.iter().find(admits))
        .map(String::as_str)
}

/// Where a new entry belongs: among the ordinary ones before the first that is greater, else before
/// the patterns at the list's end. The list itself is never put in order.
pub fn place(domain: &str, list: &[String]) -> usize {
    let ordinary = list.iter().rposition(|entry| !is_special(entry));
    let end = ordinary.map_or(0, |last| last + 1);
    if is_special(domain) {
        return list.len();
    }
    let greater = |entry: &String| !is_special(entry) && entry.to_lowercase().as_str() > domain;
    list.iter().position(greater).unwrap_or(end)
}

/// Python's `fnmatch.fnmatchcase`: `*`, `?` and `[...]`, over all of the text.
fn fnmatch(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    matches(&pattern, &text)
}

fn matches(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|at| matches(rest, text.get(at..).unwrap_or(&[]))),
        ['[', rest @ ..] => match class(rest) {
            Some((class, after)) => match text {
                [first, others @ ..] => class.has(*first) && matches(after, others),
                [] => false,
            },
            None => matches!(text, ['[', others @ ..] if matches(rest, others)),
        },
        [one, rest @ ..] => match text {
            [first, others @ ..] => (*one == '?' || one == first) && matches(rest, others),
            [] => false,
        },
    }
}

/// What stands in brackets.
struct Class<'a> {
    negated: bool,
    members: &'a [char],
}

/// A class, and what follows it; none when the bracket is never closed and means itself.
fn class(pattern: &[char]) -> Option<(Class<'_>, &[char])> {
    let negated = pattern.first() == Some(&'!');
    let body = pattern.get(usize::from(negated)..)?;
    // A bracket at once is a member.
    let end = 1 + body.iter().skip(1).position(|c| *c == ']')?;
    let members = body.get(..end)?;
    Some((Class { negated, members }, body.get(end + 1..)?))
}

impl Class<'_> {
    fn has(&self, c: char) -> bool {
        let mut found = false;
        let mut rest = self.members;
        while let [first, after @ ..] = rest {
            rest = after;
            if let ['-', last, others @ ..] = after {
                found |= (*first..=*last).contains(&c);
                rest = others;
            } else {
                found |= *first == c;
            }
        }
        found != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|entry| (*entry).to_owned()).collect()
    }

    #[test]
    fn what_is_typed_is_made_what_the_list_has_and_that_is_said() {
        for (typed, entry, said) in [
            ("new.domain.ca", "new.domain.ca", ""),
            ("  New.Domain.CA. ", "new.domain.ca", "space dot lower"),
            ("école.ca", "xn--cole-9oa.ca", "written xn--cole-9oa.ca"),
            ("*.school.ca", "*.school.ca", ""),
            ("аpple.ca", "xn--pple-43d.ca", "xn--pple-43d.ca"),
        ] {
            let domain = Domain::parse(typed).unwrap();
            assert_eq!(domain.to_string(), entry);
            let told = domain.said.join(" ");
            assert!(said.split(' ').all(|word| told.contains(word)), "{told}");
            assert_eq!((domain.unicode, domain.wide), (!typed.is_ascii(), false));
        }
    }

    #[test]
    fn what_is_none_is_refused_with_the_fix() {
        for (typed, why, fix) in [
            ("ann@school.ca", "somebody's address", "write school.ca"),
            ("https://school.ca/x", "on the web", "write school.ca"),
            ("school.ca:443", "a port", "write school.ca"),
            ("school.ca/x", "a path", "write school.ca"),
            ("10.0.0.1", "an IP", "domain"),
            ("::1", "an IP", "domain"),
            ("[::1]:80", "an IP", "domain"),
            ("10.0.0.1:80", "an IP", "domain"),
            (
                "https://ann:word@school.ca:80/x",
                "on the web",
                "write school.ca",
            ),
            ("school.ca#x", "a path", "write school.ca"),
            ("ann@", "somebody's address", "school.ab.ca"),
            ("localhost", "no top-level domain", "spelling"),
            ("school.cca", "no top-level domain `cca`", "spelling"),
            ("a..b.ca", "two dots", "school.ab.ca"),
            ("-x.ca", "no part", "school.ab.ca"),
            ("a_b.ca", "`_`", ""),
            ("*", "wildcard", "`*.`"),
            ("c*.ca", "wildcard", "`*.`"),
            ("**.ca", "wildcard", "`*.`"),
            ("sch?ol.ca", "wildcard", "`*.`"),
            ("", "empty", "school.ab.ca"),
        ] {
            let error = Domain::parse(typed).unwrap_err();
            assert!(error.message.contains(why), "{typed}: {error}");
            assert!(error.hint.unwrap().contains(fix), "{typed}");
        }
        let long = format!("{}.ca", "a".repeat(64));
        assert!(Domain::parse(&long).unwrap_err().message.contains("63"));
    }

    #[test]
    fn public_suffixes_are_wide_and_schools_are_not() {
        for (typed, wide) in [
            ("ca", true),
            ("ab.ca", true),
            ("*.ab.ca", true),
            ("co.uk", true),
            ("github.io", true),
            ("epsb.ca", false),
            ("fmcsd.ab.ca", false),
        ] {
            assert_eq!(Domain::parse(typed).unwrap().wide, wide, "{typed}");
        }
    }

    #[test]
    fn a_pattern_covers_as_the_hub_has_it() {
        for (pattern, domain, covers) in [
            ("*.ca", "school.ca", true),
            ("*.ca", "a.b.ca", true),
            ("*.ca", "ca", false),
            ("epsb.ca", "sub.epsb.ca", false),
            ("*epsb.ca", "evil-epsb.ca", true),
            ("EPSB.ca", "epsb.ca", true),
            ("sch?ol.ca", "school.ca", true),
            ("[a-c]x.ca", "bx.ca", true),
            ("[!a-c]x.ca", "bx.ca", false),
            ("[]x].ca", "].ca", true),
            ("a[b.ca", "a[b.ca", true),
            ("a*b*c.ca", "axxbyyc.ca", true),
        ] {
            let list = list(&["other.org", pattern]);
            assert_eq!(
                covered(domain, &list).is_some(),
                covers,
                "{pattern} {domain}"
            );
        }
    }

    #[test]
    fn an_entry_that_is_there_comes_before_any_pattern_that_covers_it() {
        let list = list(&["*.ca", "School.ca"]);
        assert_eq!(covered("school.ca", &list), Some("School.ca"));
        assert_eq!(covered("other.ca", &list), Some("*.ca"));
    }

    #[test]
    fn a_new_entry_stands_among_the_ordinary_ones() {
        // As the real list: not sorted, patterns at its end.
        let real = list(&[
            "2i2c.org",
            "fmpsd.ab.ca",
            "fmcsd.ab.ca",
            "rvschools.ab.ca",
            "wsrd.ca",
            "cfis.com",
            "*.ca",
        ]);
        for (domain, at) in [
            ("new.domain.ca", 3),
            ("xyz.ca", 6),
            ("aaa.ca", 1),
            ("1.ca", 0),
            ("*.org", 7),
        ] {
            assert_eq!(place(domain, &real), at, "{domain}");
        }
        assert_eq!(place("a.ca", &[]), 0);
        assert_eq!(place("a.ca", &list(&["*.ca"])), 0);
        assert_eq!(place("b.ca", &list(&["a.ca"])), 1);
    }
}

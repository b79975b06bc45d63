//! Scripts that edit YAML and read domains.

use crate::program::Place;

/// As the known file is written: shared, with a page of somebody else's language in it.
const SCRIPT: &str = r#"//! Adds a domain to a file.

let file = yaml::open(`page: |
  {% block logo %}
hub:
  idps:
    a:
      allowed: &all
      - fmcsd.ab.ca   # a school
      - "*.org"
    b:
      allowed: *all
`);
let domain = domain::parse(" New.Domain.CA ");
say(`${domain.entry}: ${domain.said}, ${domain.unicode}, ${domain.wide}`);
let list = file.get("hub.idps.b.allowed");
say(`covered: ${domain::covered(domain.entry, list) == ()}, ${domain::covered("x.org", list)}`);
let edited = file.insert("hub.idps.b.allowed", domain::place(domain.entry, list), domain.entry);
output(edited.diff("common.values.yaml"));
say(`paths: ${edited.paths("hub.idps.b.allowed")}`);
let back = edited.remove("hub.idps.a.allowed", 1);
say(`back: ${back.text == file.text}, ${back.diff("f").len()}`);
say(file.set("hub.idps.a.allowed[1]", "*.net").get("hub.idps.a.allowed[1]"));
try { file.insert("hub.idps.c.allowed", 0, "x.ca"); } catch (err) { say(`${err.kind}: ${err.message}`); }
"#;

#[test]
fn a_script_adds_a_domain_to_a_list_and_shows_the_line() {
    let place = Place::empty();
    place.write("runbooks/edit.rhai", SCRIPT);
    let ran = place.run("rehearse edit");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    insta::assert_snapshot!("yaml_script", ran.whole());
}

#[test]
fn what_is_no_domain_ends_the_run_as_wrong_usage() {
    let place = Place::empty();
    let script = "//! Reads one.\n\ndomain::parse(\"https://school.ca/x\");\n";
    place.write("runbooks/read.rhai", script);
    let ran = place.run("rehearse read");
    assert_eq!(ran.exit, 2, "{}", ran.whole());
    assert!(ran.err.contains("help: write school.ca"), "{}", ran.whole());
}

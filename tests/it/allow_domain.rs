//! `allow_domain` against everything that can go wrong, as the operator sees it.

use crate::program::{Place, Ran, rehearsed};

fn rehearse(flags: &str) -> Ran {
    Place::empty().run(&format!("rehearse allow_domain --speed max {flags}"))
}

const NEW: &str = "--domain new.domain.ca";

/// The lines that a patch or a difference adds and takes away.
fn changed(text: &str) -> Vec<&str> {
    let is_change = |line: &&str| {
        let sign = line.starts_with(['+', '-']);
        sign && !line.starts_with("+++") && !line.starts_with("--")
    };
    text.lines().filter(is_change).collect()
}

#[test]
fn one_line_is_proposed_and_followed_until_it_is_merged() {
    let ran = rehearsed!("followed", &format!("{NEW} --follow"), 0);
    assert_eq!(changed(&ran.out), ["+              - new.domain.ca"]);
}

#[test]
fn two_at_once_are_both_merged() {
    let place = Place::empty();
    let run = |domain: &str, flags: &str| {
        let ran = place.run(&format!(
            "run allow_domain --domain {domain} --speed max {flags}"
        ));
        assert_eq!(ran.exit, 0, "{}", ran.whole());
        ran.err
    };
    run("first.ab.ca", "");
    run("second.ab.ca", "--follow");
    for domain in ["first.ab.ca", "second.ab.ca"] {
        let said = run(domain, "");
        assert!(said.contains("in the list already"), "{domain}: {said}");
    }
}

#[test]
fn a_file_that_is_gone_is_said_to_be_gone() {
    rehearsed!("file_moved", &format!("{NEW} --fault file-moved"), 1);
}

#[test]
fn a_list_that_is_gone_is_said_to_be_gone() {
    rehearsed!("list_moved", &format!("{NEW} --fault list-moved"), 1);
}

#[test]
fn somebody_quicker_loses_nothing_and_we_read_again() {
    let ran = rehearsed!("edit_raced", &format!("{NEW} --fault edit-raced"), 0);
    // The difference is shown anew, and is a line each time.
    assert_eq!(changed(&ran.out).len(), 2, "{}", ran.out);
}

#[test]
fn a_slow_fork_is_waited_for() {
    rehearsed!("fork_slow", &format!("{NEW} --fault fork-slow"), 0);
}

#[test]
fn a_repository_of_ours_in_the_forks_place_is_left_alone() {
    rehearsed!(
        "fork_name_taken",
        &format!("{NEW} --fault fork-name-taken"),
        5
    );
}

#[test]
fn what_somebody_else_has_proposed_is_found_and_shown() {
    let ran = rehearsed!("pr_exists", &format!("{NEW} --fault pr-exists"), 0);
    assert_eq!(ran.out, "");
    // Another domain is none of theirs.
    let other = rehearse("--domain other.domain.ca --yes --fault pr-exists");
    assert!(other.whole().contains("Proposed: "), "{}", other.whole());
}

#[test]
fn a_fine_grained_token_is_recognised_and_explained() {
    rehearsed!(
        "token_fine_grained",
        &format!("{NEW} --fault token-fine-grained"),
        1
    );
}

#[test]
fn no_token_is_said_with_what_to_do() {
    rehearsed!("token_missing", &format!("{NEW} --fault token-missing"), 1);
}

#[test]
fn a_secondary_limit_is_respected() {
    rehearsed!(
        "secondary_rate_limit",
        &format!("{NEW} --fault secondary-rate-limit"),
        0
    );
}

#[test]
fn what_can_no_longer_be_merged_ends_the_wait() {
    rehearsed!(
        "merge_conflict",
        &format!("{NEW} --follow --fault merge-conflict"),
        1
    );
}

#[test]
fn a_domain_that_is_listed_ends_well_and_asks_nobody() {
    let ran = rehearsed!("listed", "--domain FMPSD.ab.ca.", 0);
    assert!(!ran.whole().contains('?'), "{}", ran.whole());
}

#[test]
fn a_domain_that_a_pattern_covers_is_asked_about() {
    rehearsed!("covered", "--domain west.epsb.ca", 0);
    let ran = rehearse("--domain west.epsb.ca --answer covered=no");
    assert_eq!(ran.exit, 4, "{}", ran.whole());
}

#[test]
fn a_public_suffix_needs_a_reason_that_reviewers_read() {
    rehearsed!("wide", "--domain *.ab.ca", 1);
    let ran = rehearse("--domain *.ab.ca --allow-wide province-wide --yes --print-patch");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    assert!(ran.out.contains("Why: province-wide"), "{}", ran.out);
    assert!(
        ran.err
            .contains("covers what is listed already: fmpsd.ab.ca, rvschools.ab.ca")
    );
}

#[test]
fn letters_beyond_ascii_are_confirmed_with_what_they_become() {
    let ran = rehearse("--domain école.ca --answer unicode=no");
    assert_eq!(ran.exit, 4, "{}", ran.whole());
    assert!(ran.err.contains("xn--cole-9oa.ca"), "{}", ran.err);
}

#[test]
fn what_is_no_domain_is_refused_before_anything_is_asked() {
    let ran = rehearse("--domain https://new.domain.ca/login -vvv");
    assert_eq!(ran.exit, 2, "{}", ran.whole());
    assert!(ran.err.contains("write new.domain.ca"), "{}", ran.err);
    assert!(!ran.err.contains("/repos/"), "{}", ran.err);
}

/// `git am` makes of the patch the very file that is proposed; skipped where there is no git.
#[test]
fn the_patch_is_one_that_git_takes() {
    let ran = rehearsed!("print_patch", &format!("{NEW} --print-patch"), 0);
    let asks = rehearse("--domain new.domain.ca --print-patch -vvv");
    assert!(!asks.err.contains("POST"), "{}", asks.err);
    let git = |folder: &std::path::Path, args: &[&str]| {
        let mut command = std::process::Command::new("git");
        let names = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"];
        command.current_dir(folder).args(names).args(args).output()
    };
    let place = Place::empty();
    if git(place.path(), &["init", "-q"]).is_err() {
        println!("skipped: there is no git");
        return;
    }
    let path = "clusters/practice/hub.values.yaml";
    place.write(path, include_str!("../../src/sim/github/hub.values.yaml"));
    place.write("new.patch", &ran.out);
    for args in [
        ["add", "clusters"].as_slice(),
        &["commit", "-qm", "x"],
        &["am", "-q", "new.patch"],
    ] {
        let output = git(place.path(), args).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}\n{}", ran.out);
    }
    let stat = git(place.path(), &["show", "--numstat", "--format=%s"]).unwrap();
    let stat = String::from_utf8_lossy(&stat.stdout);
    assert_eq!(
        stat,
        format!("Let people of new.domain.ca log in\n\n1\t0\t{path}\n")
    );
}

//! A plan, as the last lines of a dry run.

use super::words;
use crate::event::{Plan, Planned, Verdict};
use crate::names::Took;

/// The lines, in order.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    let steps: Vec<&Planned> = plan
        .steps
        .iter()
        .filter(|step| !step.changes.is_empty())
        .collect();
    match steps.len() {
        0 => lines.push("  the plan: nothing would be changed".to_owned()),
        _ => lines.push("  the plan:".to_owned()),
    }
    for (step, number) in steps.iter().zip(1..) {
        let after = Took(std::time::Duration::from_secs(step.after_seconds));
        for (change, first) in step
            .changes
            .iter()
            .zip([true].into_iter().chain(std::iter::repeat(false)))
        {
            let head = if first {
                format!("{number}.")
            } else {
                "  ".to_owned()
            };
            lines.push(format!("    {head:3} {}", words::change(change)));
        }
        let back = match &step.back {
            Some(back) => format!("back: {back}"),
            None => "CANNOT BE TAKEN BACK".to_owned(),
        };
        lines.push(format!("        after {after}; {}", words::line(&back)));
        for line in step.diff.iter().flat_map(|diff| diff.lines()) {
            lines.push(format!("        {line}"));
        }
    }
    lines.push(format!(
        "  people: {} with a server, {} would lose it",
        plan.people.there, plan.people.affected
    ));
    let expected = match plan.expected.runs {
        0 => format!("{}, as the copy goes", words::took(plan.expected.median)),
        _ => words::usual_here(&plan.expected),
    };
    lines.push(format!("  expected: {expected}"));
    if let Some(cost) = &plan.cost {
        lines.push(format!("  cost: {}", words::line(cost)));
    }
    for unknown in &plan.unknown {
        lines.push(format!("  not known: {}", words::line(unknown)));
    }
    for answer in &plan.answers {
        lines.push(format!("  taken as answered: {}", words::line(answer)));
    }
    lines.push("  nothing real was changed".to_owned());
    lines
}

/// What would come of the run.
pub(super) fn verdict(plan: &Plan) -> &'static str {
    match plan.verdict {
        Verdict::WouldSucceed => "it would succeed",
        Verdict::NeedsAnswers => "it would succeed, once its questions are answered",
        Verdict::WouldFail => "IT WOULD FAIL",
        Verdict::WouldBeRefused => "IT WOULD BE REFUSED",
        Verdict::Unknown => "nobody can tell",
    }
}

//! One line per change, for logs and for whoever has no window.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::{PodGroup, PodName, PodNews, PodRow, Tone};

/// What was told so far.
#[derive(Default)]
pub(in crate::ui) struct Told {
    rows: BTreeMap<PodName, Arc<PodRow>>,
    missing: Vec<PodName>,
    unmeasured: Option<String>,
}

impl Told {
    /// The lines for these news.
    pub(in crate::ui) fn lines(&mut self, news: &PodNews) -> Vec<String> {
        match news {
            PodNews::Began { namespaces, .. } => {
                let place = match namespaces.as_slice() {
                    [] => "every namespace".to_owned(),
                    names => names.join(", "),
                };
                vec![format!("… watching the pods of {place}")]
            }
            PodNews::Rows { put, gone, first } => self.rows(put, gone, *first),
            PodNews::Missing { pods } => self.missing(pods),
            PodNews::Usage { unmeasured, .. } => {
                let news = unmeasured.iter().filter(|_| *unmeasured != self.unmeasured);
                let lines = news.map(|why| format!("! {why}")).collect();
                self.unmeasured.clone_from(unmeasured);
                lines
            }
            PodNews::Beat => Vec::new(),
            PodNews::Ended => {
                *self = Self::default();
                Vec::new()
            }
        }
    }

    fn rows(&mut self, put: &[Arc<PodRow>], gone: &[PodName], first: bool) -> Vec<String> {
        let mut lines = Vec::new();
        let (mut users, mut others) = (0, 0);
        for row in put {
            let before = self.rows.insert(row.id.clone(), Arc::clone(row));
            match row.group {
                PodGroup::User if first => users += 1,
                PodGroup::Other if first => others += 1,
                PodGroup::Hub | PodGroup::User | PodGroup::Other => {
                    lines.push(changed(before.as_deref(), row));
                }
            }
        }
        for id in gone {
            self.rows.remove(id);
            lines.push(format!("- {}/{}", id.namespace, id.name));
        }
        if users + others > 0 {
            lines.push(format!("  and {users} user pods, {others} other pods"));
        }
        lines
    }

    fn missing(&mut self, pods: &[PodName]) -> Vec<String> {
        let back = self.missing.iter().filter(|id| !pods.contains(id));
        let back = back.map(|id| format!("✓ {}/{}* is there", id.namespace, id.name));
        let lost = pods.iter().filter(|id| !self.missing.contains(id));
        let lost = lost.map(|id| format!("! {}/{}* is MISSING", id.namespace, id.name));
        let lines = back.chain(lost).collect();
        pods.clone_into(&mut self.missing);
        lines
    }
}

/// `* prod/jupyter-ann 0/1 Pending -> 1/1 Running on node-1`.
fn changed(before: Option<&PodRow>, row: &PodRow) -> String {
    let mark = match (row.tone, before) {
        (Some(Tone::Alarm), _) => "!",
        (_, None) => "+",
        (_, Some(_)) => "*",
    };
    let id = &row.id;
    let now = state(row);
    let was = before.map(state).filter(|was| *was != now);
    let was = was.map_or_else(String::new, |was| format!("{was} -> "));
    let node = match (&*row.node, before.map(|before| &*before.node)) {
        ("", _) => String::new(),
        (node, Some(known)) if node == known => String::new(),
        (node, _) => format!(" on {node}"),
    };
    format!("{mark} {}/{} {was}{now}{node}", id.namespace, id.name)
}

fn state(row: &PodRow) -> String {
    let (ready, of) = row.ready;
    let restarts = match row.restarts {
        0 => String::new(),
        1 => ", 1 restart".to_owned(),
        restarts => format!(", {restarts} restarts"),
    };
    format!("{ready}/{of} {}{restarts}", row.status)
}

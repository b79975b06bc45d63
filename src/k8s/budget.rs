//! Pod disruption budgets, as far as they keep a node from being emptied.

use std::collections::BTreeMap;

use super::object::BudgetObject;

/// A budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Budget {
    pub(super) namespace: String,
    pub(super) name: String,
    /// The labels of the pods it is about; none when it is not as simple as that.
    labels: Option<BTreeMap<String, String>>,
    /// Whether no pod may be evicted now.
    spent: bool,
}

impl From<BudgetObject> for Budget {
    fn from(object: BudgetObject) -> Self {
        let selector = object.spec.selector;
        let simple = selector.match_expressions.is_empty() && !selector.match_labels.is_empty();
        Self {
            namespace: object.metadata.namespace.unwrap_or_default(),
            name: object.metadata.name.unwrap_or_default(),
            labels: simple.then_some(selector.match_labels),
            spent: object.status.unwrap_or_default().disruptions_allowed <= 0,
        }
    }
}

impl Budget {
    /// Whether it keeps a pod with these labels where it is.
    pub(super) fn holds(&self, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
        let about = |wanted: &BTreeMap<String, String>| {
            wanted
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
        };
        self.spent && self.namespace == namespace && self.labels.as_ref().is_some_and(about)
    }
}

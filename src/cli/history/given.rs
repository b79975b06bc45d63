//! Recorded parameters as flags that give them today; as they are recorded when the runbook is
//! gone.

use std::collections::BTreeMap;

use crate::journal::Header;
use crate::names;
use crate::runbook::library::Library;
use crate::runbook::params::flags;
use crate::runbook::script::Script;

/// The runbooks of the runs looked at, each read once.
pub(super) struct Scripts<'a> {
    library: &'a Library,
    read: BTreeMap<String, Option<Script>>,
}

impl<'a> Scripts<'a> {
    pub(super) fn of(library: &'a Library) -> Self {
        let read = BTreeMap::new();
        Self { library, read }
    }

    /// `--nodes 2 --loud`.
    pub(super) fn flags(&mut self, header: &Header) -> String {
        let name = &header.runbook;
        let script = (self.read.entry(name.clone()))
            .or_insert_with(|| self.library.find(name).and_then(Script::read).ok());
        if let Some(script) = script {
            return flags::written(&header.params, script);
        }
        let given = header.params.iter().filter(|(_, value)| !value.is_null());
        let given = given.map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), flags::quoted);
            format!("--{} {value}", names::flag(name))
        });
        given.collect::<Vec<_>>().join(" ")
    }
}

//! The functions scripts call: convert, call one function of one room, convert back.
//!
//! [`functions`] is everything there is; registration, `check`, `show` and the journal read it. No
//! decision is made here: what a pool needs is the script's business, how it is done the room's.

mod ask;
mod debt;
mod domain;
mod github;
mod gke;
mod hub;
mod image;
mod k8s;
mod kubectl;
mod leave;
mod memory;
mod needs;
mod options;
mod pod;
mod pods;
mod registry;
mod talk;
mod undo;
mod yaml;

pub use needs::{LOCK, needs};
pub use undo::{back, takes_back};

use serde::Serialize;
use serde_json::Value;

use crate::engine::table::{HandleType, Signature, Table, Type};
use crate::engine::{self, Answer, Args, Function};
use crate::error::{Error, Kind, Result};
use crate::names::Class;
use crate::world::World;

/// Everything a script can call.
pub fn functions() -> &'static [&'static [Function]] {
    FUNCTIONS
}

static FUNCTIONS: &[&[Function]] = &[
    talk::FUNCTIONS,
    ask::FUNCTIONS,
    gke::FUNCTIONS,
    k8s::FUNCTIONS,
    leave::FUNCTIONS,
    debt::FUNCTIONS,
    memory::FUNCTIONS,
    pods::FUNCTIONS,
    pod::FUNCTIONS,
    kubectl::FUNCTIONS,
    hub::FUNCTIONS,
    image::FUNCTIONS,
    registry::FUNCTIONS,
    yaml::FUNCTIONS,
    domain::FUNCTIONS,
    github::FUNCTIONS,
];

/// The same as signatures, with the types of handles and the keys of maps.
pub fn table() -> Table {
    let keys = [
        k8s::KEYS,
        leave::KEYS,
        debt::KEYS,
        pods::KEYS,
        pod::KEYS,
        kubectl::KEYS,
        hub::KEYS,
        image::KEYS,
        registry::KEYS,
        memory::KEYS,
        domain::KEYS,
        github::KEYS,
    ]
    .concat();
    engine::table(functions(), HANDLES, &keys)
}

const HANDLES: &[HandleType] = &[
    gke::CLUSTER,
    gke::POOL,
    gke::OPERATION,
    yaml::YAML,
    github::FILE,
];

/// A row of the table.
const fn function(
    name: &'static str,
    class: Class,
    params: &'static [(&'static str, Type)],
    returns: Type,
    run: fn(World, Args) -> Answer,
    doc: &'static str,
) -> Function {
    let signature = Signature {
        name,
        class,
        params,
        optional: 0,
        returns,
        doc,
    };
    Function::new(signature, run)
}

/// A row whose last arguments may be left off.
const fn optional(count: usize, mut function: Function) -> Function {
    function.signature.optional = count;
    function
}

fn json(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|e| Error::new(Kind::Bug, e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_a_name_of_its_own_and_a_description() {
        let mut names = std::collections::BTreeSet::new();
        for Function { signature, .. } in functions().iter().copied().flatten() {
            assert!(names.insert(signature.name), "{} twice", signature.name);
            assert!(signature.doc.ends_with('.'), "{}", signature.name);
            assert!(
                signature.optional <= signature.params.len(),
                "{}",
                signature.name
            );
        }
        assert!(names.contains("Pool.grow"));
    }

    #[test]
    fn every_function_can_be_written_in_a_script() {
        let engine = rhai::Engine::new_raw();
        for Function { signature, .. } in functions().iter().copied().flatten() {
            let call = match signature.subject() {
                Some(_) => format!("x.{}()", signature.short()),
                None => format!("{}()", signature.name),
            };
            assert!(engine.compile(&call).is_ok(), "{}", signature.name);
        }
    }

    #[test]
    fn methods_are_of_handles_that_exist() {
        let table = table();
        for signature in table.functions.values() {
            if let Some(subject) = signature.subject() {
                assert!(table.handles.contains_key(subject), "{}", signature.name);
            }
            if let Type::Handle(name) = signature.returns {
                assert!(table.handles.contains_key(name), "{}", signature.name);
            }
        }
    }
}

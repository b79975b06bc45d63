//! The table of everything a script can call: registration, `check`, `show` and the journal all
//! read it, so a function exists once and cannot exist without a class and a description.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::Class;

/// A type as scripts know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `i64`.
    Int,
    /// A string.
    Text,
    /// `true` or `false`.
    Bool,
    /// An array.
    List,
    /// An object map.
    Map,
    /// A range of integers, `1..=20`.
    Range,
    /// A registered handle, by its name.
    Handle(&'static str),
    /// A closure without parameters.
    Action,
    /// `()`.
    Unit,
    /// Whatever comes.
    Any,
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Int => "int",
            Self::Text => "text",
            Self::Bool => "bool",
            Self::List => "list",
            Self::Map => "map",
            Self::Range => "range",
            Self::Handle(name) => name,
            Self::Action => "closure",
            Self::Unit => "()",
            Self::Any => "any",
        })
    }
}

/// What a function looks like from a script.
#[derive(Debug, Clone, Copy)]
pub struct Signature {
    /// `gke::pool` for a function in a module, `Pool.grow` for a method, `say` for a plain one.
    pub name: &'static str,
    /// What it is, for dry runs and resume.
    pub class: Class,
    /// Parameters in order, a method's subject not among them.
    pub params: &'static [(&'static str, Type)],
    /// How many of them may be left off at the end.
    pub optional: usize,
    /// What it returns.
    pub returns: Type,
    /// What it does: one line, then more if needed.
    pub doc: &'static str,
}

impl Signature {
    /// The module, when it is in one.
    pub fn module(&self) -> Option<&'static str> {
        self.name.split_once("::").map(|(module, _)| module)
    }

    /// The handle it is a method of.
    pub fn subject(&self) -> Option<&'static str> {
        self.name.split_once('.').map(|(subject, _)| subject)
    }

    /// The last part of the name.
    pub fn short(&self) -> &'static str {
        self.name.rsplit([':', '.']).next().unwrap_or(self.name)
    }

    /// Fewest and most arguments a call may have, a method's subject not counted.
    pub fn arity(&self) -> (usize, usize) {
        (self.params.len() - self.optional, self.params.len())
    }

    /// `gke::pool(name: text) -> Pool`.
    pub fn display(&self) -> String {
        let required = self.arity().0;
        let params: Vec<String> = self
            .params
            .iter()
            .enumerate()
            .map(|(i, (name, ty))| format!("{name}{}: {ty}", if i < required { "" } else { "?" }))
            .collect();
        let returns = match self.returns {
            Type::Unit => String::new(),
            ty => format!(" -> {ty}"),
        };
        format!("{}({}){returns}", self.name, params.join(", "))
    }
}

/// A handle type and the properties scripts may read on it.
#[derive(Debug, Clone, Copy)]
pub struct HandleType {
    /// `Pool`.
    pub name: &'static str,
    /// Name, type, one line.
    pub properties: &'static [(&'static str, Type, &'static str)],
}

/// Everything a script can call.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Functions and methods, by name. Overloads are one entry with optional parameters.
    pub functions: BTreeMap<&'static str, Signature>,
    /// Handle types, by name.
    pub handles: BTreeMap<&'static str, HandleType>,
    /// Keys of the plain maps the functions return, such as `took_seconds`.
    pub keys: BTreeSet<&'static str>,
    /// Functions and methods of the language itself (`len`, `push`, `map`), with every number of
    /// arguments they take, a method's subject counted.
    pub builtins: BTreeMap<String, BTreeSet<usize>>,
}

impl Table {
    /// Modules a script can name.
    pub fn modules(&self) -> BTreeSet<&'static str> {
        self.functions
            .values()
            .filter_map(Signature::module)
            .collect()
    }

    /// The function of this full name.
    pub fn function(&self, name: &str) -> Option<&Signature> {
        self.functions.get(name)
    }

    /// Methods of this short name, on any handle.
    pub fn methods<'a>(&'a self, short: &'a str) -> impl Iterator<Item = &'a Signature> {
        self.functions
            .values()
            .filter(move |f| f.subject().is_some() && f.short() == short)
    }
}

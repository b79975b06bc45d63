//! Properties and methods, of handles and of anything else.

use std::collections::BTreeSet;

use rhai::{Expr, FnCallExpr, Position};

use super::calls::{Argument, LANGUAGE, shown};
use super::catches::PROPERTIES;
use super::flow::Is;
use super::judge::Judge;
use super::near;
use crate::engine::table::{Signature, Type};

/// What the language can do with a handle.
const OF_HANDLES: [&str; 2] = ["to_string", "to_debug"];

impl Judge<'_> {
    /// A member, or a chain of them.
    pub(super) fn member(&mut self, subject: Is, member: &Expr) {
        match member {
            Expr::Dot(chain, ..) => {
                self.member(subject, &chain.lhs);
                let next = self.types.member(subject, &chain.lhs);
                self.member(next, &chain.rhs);
            }
            Expr::Index(index, ..) => self.member(subject, &index.lhs),
            Expr::Property(property, at) => self.property(subject, &property.2, *at),
            Expr::MethodCall(call, at) => self.method(subject, call, *at),
            _ => {}
        }
    }

    pub(super) fn property(&mut self, subject: Is, name: &str, at: Position) {
        let getter = format!("get${name}");
        let is_builtin = self.table.builtins.contains_key(&getter);
        let (known, who): (BTreeSet<&str>, String) = match subject {
            Is::Caught => {
                let own = self.keys.names.iter().map(String::as_str);
                (own.chain(PROPERTIES).collect(), subject.to_string())
            }
            Is::Of(Type::Handle(handle)) => (self.properties_of(handle), subject.to_string()),
            Is::Of(Type::Int | Type::Text | Type::Bool | Type::List) if !is_builtin => {
                (BTreeSet::new(), subject.to_string())
            }
            _ if is_builtin => return,
            _ => {
                let handles = self.table.handles.keys();
                let all = handles.flat_map(|handle| self.properties_of(handle));
                let made = self.table.keys.iter().copied();
                let own = self.keys.names.iter().map(String::as_str);
                let known = all.chain(made).chain(own).chain(PROPERTIES).collect();
                (known, "anything".to_owned())
            }
        };
        if known.contains(name) {
            return;
        }
        let else_say = match subject {
            Is::Caught => format!("there are: {}", PROPERTIES.join(", ")),
            Is::Of(Type::Handle(_)) => {
                format!(
                    "there are: {}",
                    known.iter().copied().collect::<Vec<_>>().join(", ")
                )
            }
            Is::Of(Type::Int | Type::Text | Type::Bool | Type::List) => {
                "only maps and handles have properties".to_owned()
            }
            _ => format!("no map or handle has one of this name; a map may: `.get(\"{name}\")`"),
        };
        let suggestion = near(name, known, &else_say);
        let message = format!("there is no property `{name}` on {who}");
        self.wrong(at, "unknown-property", message, suggestion);
    }

    fn properties_of(&self, handle: &str) -> BTreeSet<&'static str> {
        let properties = self
            .table
            .handles
            .get(handle)
            .map_or(&[][..], |h| h.properties);
        properties.iter().map(|(name, ..)| *name).collect()
    }

    fn method(&mut self, subject: Is, call: &FnCallExpr, at: Position) {
        let name = call.name.as_str();
        if self.forbidden(name, at) {
            return;
        }
        let args = self.given(&call.args);
        if let Some(handle) = subject.handle()
            && let Some(signature) = self.table.function(&format!("{handle}.{name}")).copied()
        {
            return self.arguments(&signature, &args, at);
        }
        if LANGUAGE.contains(&name) {
            return;
        }
        // A function of the language counts its subject; the script's own have it as `this`.
        let mut takes: BTreeSet<usize> = BTreeSet::new();
        if subject.handle().is_none() || OF_HANDLES.contains(&name) {
            let builtins = self.table.builtins.get(name).into_iter().flatten();
            takes.extend(builtins.filter_map(|count| count.checked_sub(1)));
        }
        takes.extend(self.own.get(name).into_iter().flatten());
        if takes.contains(&args.len()) || self.on_table(subject, name, &args, at) {
            return;
        }
        // A closure that a map holds.
        if subject.handle().is_none() && self.keys.names.contains(name) {
            return;
        }
        if takes.is_empty() {
            self.no_method(subject, name, at);
        } else {
            let shown = shown(self.parsed, name);
            self.arity(name, &takes, &shown, args.len(), at);
        }
    }

    /// A plain function called as a method, or a method of what may be any handle.
    fn on_table(&mut self, subject: Is, name: &str, args: &[Argument], at: Position) -> bool {
        if let Some(signature) = self.table.function(name).copied() {
            let mut all = vec![(subject, at)];
            all.extend(args);
            self.arguments(&signature, &all, at);
            return true;
        }
        if subject != Is::Unknown {
            return false;
        }
        let methods: Vec<Signature> = self.table.methods(name).copied().collect();
        match methods.as_slice() {
            [] => return false,
            [method] => self.arguments(method, args, at),
            several => {
                let takes = |method: &&Signature| {
                    let (least, most) = method.arity();
                    (least..=most).contains(&args.len())
                };
                // Nothing fits: the first one says how it is called.
                let fitting = several
                    .iter()
                    .find(takes)
                    .or_else(|| several.first())
                    .copied();
                let types_unknown: Vec<Argument> =
                    args.iter().map(|(_, at)| (Is::Unknown, *at)).collect();
                if let Some(method) = fitting {
                    self.arguments(&method, &types_unknown, at);
                }
            }
        }
        true
    }

    fn no_method(&mut self, subject: Is, name: &str, at: Position) {
        let known = self.methods_of(subject);
        let else_say = if known.is_empty() {
            "nothing has a method of this name".to_owned()
        } else {
            format!("there are: {}", known.join(", "))
        };
        let builtins: Vec<&str> = match subject.handle() {
            Some(_) => Vec::new(),
            None => self.builtins(name).collect(),
        };
        let suggestion = near(name, known.into_iter().chain(builtins), &else_say);
        let message = format!("there is no method `{name}` on {subject}");
        self.wrong(at, "unknown-method", message, suggestion);
    }

    /// Methods of this handle, or of all.
    pub(super) fn methods_of(&self, subject: Is) -> Vec<&'static str> {
        let methods = self.table.functions.values().filter(|f| match subject {
            Is::Unknown => f.subject().is_some(),
            subject => subject.handle().is_some() && f.subject() == subject.handle(),
        });
        methods.map(Signature::short).collect()
    }
}

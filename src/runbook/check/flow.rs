//! What type a value has, as far as it can be told without running anything.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{ASTNode, Expr, Stmt};

use crate::engine::table::{Table, Type};
use crate::runbook::parsed::Parsed;

/// The handle a caught error is treated as.
pub(super) const CAUGHT: &str = "caught error";

/// Types of the variables of one file. A name used for two things is of any type.
pub(super) struct Types<'a> {
    table: &'a Table,
    variables: BTreeMap<String, Type>,
}

impl<'a> Types<'a> {
    pub(super) fn of(parsed: &Parsed, table: &'a Table) -> Self {
        let mut types = Self {
            table,
            variables: BTreeMap::new(),
        };
        let mut outside = BTreeSet::new();
        for function in parsed.ast.iter_fn_def() {
            outside.extend(function.params.iter().map(ToString::to_string));
        }
        for name in &outside {
            types.set(name, Type::Any);
        }
        parsed.each_node(&mut |node| {
            let ASTNode::Stmt(statement) = node else {
                return;
            };
            match statement {
                Stmt::Var(variable, ..) => {
                    let found = types.type_of(&variable.1);
                    types.set(&variable.0.name, found);
                }
                Stmt::For(head, _) => types.set(&head.0.name, Type::Any),
                Stmt::Assignment(assignment) => {
                    if let Expr::Variable(variable, ..) = &assignment.1.lhs {
                        let found = types.type_of(&assignment.1.rhs);
                        types.set(&variable.1, found);
                    }
                }
                Stmt::TryCatch(parts, _) => {
                    if let Expr::Variable(variable, ..) = &parts.expr {
                        types.set(&variable.1, Type::Handle(CAUGHT));
                    }
                }
                _ => {}
            }
        });
        types
    }

    fn set(&mut self, name: &str, found: Type) {
        let known = self.variables.entry(name.to_owned()).or_insert(found);
        if *known != found {
            *known = Type::Any;
        }
    }

    /// The type of an expression.
    pub(super) fn type_of(&self, expr: &Expr) -> Type {
        match expr {
            Expr::IntegerConstant(..) => Type::Int,
            Expr::BoolConstant(..) | Expr::And(..) | Expr::Or(..) => Type::Bool,
            Expr::StringConstant(..) | Expr::InterpolatedString(..) => Type::Text,
            Expr::Array(..) => Type::List,
            Expr::Map(..) => Type::Map,
            Expr::Unit(_) => Type::Unit,
            Expr::DynamicConstant(value, _) => match value.type_name() {
                "i64" => Type::Int,
                "bool" => Type::Bool,
                "string" => Type::Text,
                "array" => Type::List,
                "map" => Type::Map,
                _ => Type::Any,
            },
            Expr::Variable(variable, ..) if variable.2.path.is_empty() => self
                .variables
                .get(variable.1.as_str())
                .copied()
                .unwrap_or(Type::Any),
            Expr::FnCall(call, _) => {
                let name = match call.namespace.path.as_slice() {
                    [] => call.name.to_string(),
                    [module, ..] => format!("{}::{}", module.name, call.name),
                };
                self.table.function(&name).map_or(Type::Any, |f| f.returns)
            }
            Expr::Dot(chain, ..) => self.member(self.type_of(&chain.lhs), &chain.rhs),
            _ => Type::Any,
        }
    }

    /// The type of a member, or of the end of a chain of members.
    pub(super) fn member(&self, subject: Type, member: &Expr) -> Type {
        match (member, subject) {
            (Expr::Dot(chain, ..), subject) => {
                self.member(self.member(subject, &chain.lhs), &chain.rhs)
            }
            (Expr::Property(property, _), Type::Handle(handle)) => {
                let handle = self.table.handles.get(handle);
                let mut properties = handle.into_iter().flat_map(|h| h.properties.iter());
                let found = properties.find(|(name, ..)| *name == property.2.as_str());
                found.map_or(Type::Any, |(_, found, _)| *found)
            }
            (Expr::MethodCall(call, _), Type::Handle(handle)) => {
                let name = format!("{handle}.{}", call.name);
                self.table.function(&name).map_or(Type::Any, |f| f.returns)
            }
            _ => Type::Any,
        }
    }
}

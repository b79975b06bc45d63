//! What a value is, as far as it can be told without running anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rhai::{ASTFlags, ASTNode, Expr, FnCallExpr, FnPtr, Stmt};

use crate::engine::table::{Table, Type};
use crate::runbook::params::{Kind, Param};
use crate::runbook::parsed::Parsed;
use crate::runbook::script::Script;

/// What a value is known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    /// It cannot be told.
    Unknown,
    /// Of this type.
    Of(Type),
    /// What a `catch` caught: a map with a kind, or whatever the script threw.
    Caught,
    /// `1.5`.
    Fraction,
    /// A closure or a pointer to a function.
    Function,
}

impl From<Type> for Is {
    fn from(known: Type) -> Self {
        match known {
            Type::Any => Self::Unknown,
            known => Self::Of(known),
        }
    }
}

impl fmt::Display for Is {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("anything"),
            Self::Of(Type::Unit) => f.write_str("nothing"),
            Self::Of(Type::Int) => f.write_str("an int"),
            Self::Of(known) => write!(f, "a {known}"),
            Self::Caught => f.write_str("a caught error"),
            Self::Fraction => f.write_str("a fraction"),
            Self::Function => f.write_str("a function"),
        }
    }
}

impl Is {
    /// The handle's name, when it is one.
    pub(super) fn handle(self) -> Option<&'static str> {
        match self {
            Self::Of(Type::Handle(name)) => Some(name),
            _ => None,
        }
    }

    /// Whether a function that wants this type would surely refuse it.
    pub(super) fn misfits(self, wanted: Type) -> bool {
        match self {
            Self::Unknown | Self::Caught => false,
            // These never leave the script, whatever is wanted.
            Self::Fraction if wanted == Type::Any => false,
            Self::Function if wanted == Type::Action => false,
            Self::Fraction | Self::Function | Self::Of(Type::Range) => true,
            Self::Of(known) => wanted != Type::Any && known != wanted,
        }
    }
}

/// What the variables of one file are. A name used for two things is unknown.
pub(super) struct Types<'a> {
    table: &'a Table,
    variables: BTreeMap<String, Is>,
    /// Names that only constants have.
    pub(super) constants: BTreeSet<String>,
    /// Every name there is.
    pub(super) names: BTreeSet<String>,
}

impl<'a> Types<'a> {
    pub(super) fn of(script: &Script, parsed: &Parsed, table: &'a Table) -> Self {
        let mut types = Self {
            table,
            variables: BTreeMap::new(),
            constants: BTreeSet::new(),
            names: BTreeSet::new(),
        };
        if std::ptr::eq(parsed, &raw const script.file) {
            for param in &script.params {
                types.set(&param.name, value_of(script, param));
            }
        }
        let mut variable = handed_in(parsed);
        for name in &variable {
            types.set(name, Is::Unknown);
        }
        // A variable's type may hang on one that is assigned further down: until nothing changes.
        loop {
            let before = types.variables.clone();
            parsed.each_node(&mut |node| {
                if let ASTNode::Stmt(statement) = node {
                    types.statement(statement, &mut variable);
                }
            });
            if before == types.variables {
                break;
            }
        }
        types.names = types.variables.keys().cloned().collect();
        types.constants.retain(|name| !variable.contains(name));
        types
    }

    fn statement(&mut self, statement: &Stmt, variable: &mut BTreeSet<String>) {
        match statement {
            Stmt::Var(declared, flags, _) => {
                let name = declared.0.name.to_string();
                let is_param = matches!(&declared.1, Expr::FnCall(call, _)
                    if call.namespace.path.first().is_some_and(|m| m.name == "param"));
                if !(is_param && self.variables.contains_key(&name)) {
                    let found = self.type_of(&declared.1);
                    self.set(&name, found);
                }
                if flags.contains(ASTFlags::CONSTANT) {
                    self.constants.insert(name);
                } else {
                    variable.insert(name);
                }
            }
            Stmt::For(head, _) => {
                for name in [Some(&head.0), head.1.as_ref()].into_iter().flatten() {
                    self.set(&name.name, Is::Unknown);
                    variable.insert(name.name.to_string());
                }
            }
            Stmt::Assignment(assignment) => {
                if let Expr::Variable(assigned, ..) = &assignment.1.lhs {
                    let found = self.type_of(&assignment.1.rhs);
                    self.set(&assigned.1, found);
                }
            }
            Stmt::TryCatch(parts, _) => {
                if let Expr::Variable(caught, ..) = &parts.expr {
                    self.set(&caught.1, Is::Caught);
                    variable.insert(caught.1.to_string());
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, name: &str, found: Is) {
        let known = self.variables.entry(name.to_owned()).or_insert(found);
        if *known != found {
            *known = Is::Unknown;
        }
    }

    /// What an expression is.
    pub(super) fn type_of(&self, expr: &Expr) -> Is {
        match expr {
            Expr::IntegerConstant(..) => Is::Of(Type::Int),
            Expr::FloatConstant(..) => Is::Fraction,
            Expr::BoolConstant(..) | Expr::And(..) | Expr::Or(..) => Is::Of(Type::Bool),
            // A single letter arrives as a text.
            Expr::CharConstant(..) | Expr::StringConstant(..) | Expr::InterpolatedString(..) => {
                Is::Of(Type::Text)
            }
            Expr::Array(..) => Is::Of(Type::List),
            Expr::Map(..) => Is::Of(Type::Map),
            Expr::Unit(_) => Is::Of(Type::Unit),
            Expr::DynamicConstant(value, _) if value.is::<FnPtr>() => Is::Function,
            Expr::Stmt(block) if block.iter().any(|s| matches!(s, Stmt::Share(..))) => Is::Function,
            Expr::Variable(variable, ..) if in_this_file(&variable.2.path) => self
                .variables
                .get(variable.1.as_str())
                .copied()
                .unwrap_or(Is::Unknown),
            Expr::FnCall(call, _) if call.op_token.is_some() => self.operator(call),
            Expr::FnCall(call, _) => {
                let name = full_name(call);
                self.table
                    .function(&name)
                    .map_or(Is::Unknown, |f| f.returns.into())
            }
            Expr::Dot(chain, ..) => self.member(self.type_of(&chain.lhs), &chain.rhs),
            _ => Is::Unknown,
        }
    }

    fn operator(&self, call: &FnCallExpr) -> Is {
        let args: Vec<Is> = call.args.iter().map(|arg| self.type_of(arg)).collect();
        match (call.name.as_str(), args.as_slice()) {
            ("==" | "!=" | "<" | "<=" | ">" | ">=" | "!" | "contains", _) => Is::Of(Type::Bool),
            (".." | "..=", _) => Is::Of(Type::Range),
            ("+" | "-" | "*" | "/" | "%", args)
                if args.iter().all(|arg| *arg == Is::Of(Type::Int)) =>
            {
                Is::Of(Type::Int)
            }
            _ => Is::Unknown,
        }
    }

    /// What a member is, or the end of a chain of members.
    pub(super) fn member(&self, subject: Is, member: &Expr) -> Is {
        match (member, subject.handle()) {
            (Expr::Dot(chain, ..), _) => self.member(self.member(subject, &chain.lhs), &chain.rhs),
            (Expr::Property(property, _), Some(handle)) => {
                let handle = self.table.handles.get(handle);
                let mut properties = handle.into_iter().flat_map(|h| h.properties.iter());
                let found = properties.find(|(name, ..)| *name == property.2.as_str());
                found.map_or(Is::Unknown, |(_, found, _)| (*found).into())
            }
            (Expr::MethodCall(call, _), Some(handle)) => {
                let name = format!("{handle}.{}", call.name);
                self.table
                    .function(&name)
                    .map_or(Is::Unknown, |f| f.returns.into())
            }
            _ => Is::Unknown,
        }
    }
}

/// `gke::pool`, as the table has it.
pub(super) fn full_name(call: &FnCallExpr) -> String {
    match call.namespace.path.as_slice() {
        [] => call.name.to_string(),
        [module, ..] => format!("{}::{}", module.name, call.name),
    }
}

/// Whether a variable's path leads to this file: none, or `global::`.
fn in_this_file(path: &[rhai::Ident]) -> bool {
    path.iter().all(|module| module.name == "global")
}

/// A parameter's value; it has none when another that stands in for it is given.
fn value_of(script: &Script, param: &Param) -> Is {
    match &param.kind {
        _ if script.group(param).len() > 1 => Is::Unknown,
        Kind::Int { .. } | Kind::Duration => Is::Of(Type::Int),
        Kind::Text | Kind::Choice { .. } => Is::Of(Type::Text),
        Kind::Flag => Is::Of(Type::Bool),
    }
}

/// Names of functions' parameters; what a closure captures is not handed in.
pub(super) fn handed_in(parsed: &Parsed) -> BTreeSet<String> {
    let mut captured: BTreeMap<String, usize> = BTreeMap::new();
    parsed.each_node(&mut |node| {
        if let ASTNode::Expr(Expr::FnCall(call, _)) = node
            && call.name == "curry"
            && let Some((Expr::DynamicConstant(value, _), variables)) = call.args.split_first()
            && let Some(closure) = value.read_lock::<FnPtr>()
        {
            captured.insert(closure.fn_name().to_owned(), variables.len());
        }
    });
    let mut names = BTreeSet::new();
    for function in parsed.ast.iter_fn_def() {
        let first = captured.get(function.name.as_str()).copied().unwrap_or(0);
        names.extend(function.params.iter().skip(first).map(ToString::to_string));
    }
    names
}

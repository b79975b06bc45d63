//! A configured target, and where its credentials come from.

use std::path::Path;

use super::Setup;
use super::environment::Environment;
use crate::config::{self, Confirm};
use crate::error::{Error, Kind, Result};
use crate::names::{AGE, CHECK_USER, Mode};
use crate::run::LivePlace;
use crate::world::Target;
use crate::world::live::{GitHubPlace, HubPlace, TokenPlace};
use crate::world::secret::Secret;

/// The target of this name, and how to reach it.
///
/// # Errors
/// When there is none, or its webhook has no address.
pub(super) fn place(setup: &Setup<'_>, name: &str) -> Result<LivePlace> {
    let environment = setup.environment;
    let target = setup.config.target(name)?;
    Ok(LivePlace {
        target: Target {
            name: name.to_owned(),
            cluster: target.cluster_name(),
            watch: target.watch.clone(),
            home: target.lock.namespace.clone(),
            debt_age: target.debt_age.map_or(AGE, Into::into),
            price: target.price.clone().map(Into::into),
            hub_pods: target.hub_pods.clone(),
            hub_namespace: hub_namespace(target),
            check_user: (target.hub.as_ref())
                .and_then(|hub| hub.check_user.clone())
                .unwrap_or_else(|| CHECK_USER.to_owned()),
            allow_list: target.allow_list.clone(),
            author: target.github.author.clone(),
            registry_mirror: (target.registry_mirror.as_ref())
                .map(|mirror| mirror.as_str().to_owned()),
            k8s_endpoint: target.k8s_endpoint,
            impersonate: target
                .impersonate
                .as_ref()
                .map(|account| account.as_str().to_owned()),
            type_name: target.confirm == Confirm::TypeName,
            timezone: (target.timezone.as_ref()).map(|zone| zone.as_str().to_owned()),
            mode: Mode::Live,
        },
        endpoint: match &target.endpoint {
            Some(endpoint) => Some(endpoint.as_str().to_owned()),
            None => environment.endpoint.clone(),
        },
        hub: hub(target, setup),
        github: github(target, setup),
        environment: environment.google.clone(),
        webhook: (target.webhook.as_ref())
            .map(|webhook| secret(webhook, setup))
            .transpose()?,
    })
}

/// Where the hub runs: as it is said, else in the one namespace that is watched.
fn hub_namespace(target: &config::Target) -> Option<String> {
    let said = target.hub.as_ref()?.namespace.clone();
    said.or_else(|| match target.watch.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    })
}

/// The hub, when it is said where its token comes from.
fn hub(target: &config::Target, setup: &Setup<'_>) -> Option<HubPlace> {
    let hub = target.hub.as_ref()?;
    let token = token(hub.token.as_ref()?, target, setup);
    let url = hub.url.as_str().to_owned();
    Some(HubPlace { url, token })
}

/// GitHub; its token is where it is said to be, else where GitHub's own program looks for it.
fn github(target: &config::Target, setup: &Setup<'_>) -> GitHubPlace {
    let url = target
        .github
        .url
        .as_ref()
        .map(|url| url.as_str().to_owned());
    let token = match &target.github.token {
        Some(said) => token(said, target, setup),
        None => usual_token(url.as_deref()),
    };
    GitHubPlace { url, token }
}

/// Where GitHub's own program looks for a token, and then that program.
fn usual_token(url: Option<&str>) -> TokenPlace {
    // A token for the public one is nobody else's business.
    let variables = match url {
        None => ["GH_TOKEN", "GITHUB_TOKEN"],
        Some(_) => ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"],
    };
    if let Some(token) = variables.into_iter().find_map(Environment::variable) {
        return TokenPlace::Given(Secret::new(token.trim()));
    }
    let uri = url.and_then(|url| url.parse::<http::Uri>().ok());
    let host = uri.as_ref().and_then(http::Uri::host);
    let host = host.unwrap_or("github.com");
    let command = ["gh", "auth", "token", "--hostname", host];
    TokenPlace::Command(command.map(str::to_owned).to_vec())
}

/// Where a token comes from; variables and files are read now.
fn token(said: &config::Token, target: &config::Target, setup: &Setup<'_>) -> TokenPlace {
    let given = |token: std::result::Result<String, String>| match token.as_deref().map(str::trim) {
        Ok("") => TokenPlace::Missing("there is nothing where it should be".to_owned()),
        Ok(token) => TokenPlace::Given(Secret::new(token)),
        Err(why) => TokenPlace::Missing(why.clone()),
    };
    match said {
        config::Token::Env(name) => given(variable(name)),
        config::Token::File(file) => given(read(setup, file)),
        config::Token::Command(command) => TokenPlace::Command(command.clone()),
        config::Token::Secret { name, key } => TokenPlace::Kept {
            namespace: hub_namespace(target).unwrap_or_else(|| "prod".to_owned()),
            name: name.clone(),
            key: key.clone(),
        },
    }
}

fn variable(name: &str) -> std::result::Result<String, String> {
    Environment::variable(name).ok_or_else(|| format!("the variable {name} is not set"))
}

fn read(setup: &Setup<'_>, file: &Path) -> std::result::Result<String, String> {
    std::fs::read_to_string(setup.beside(file))
        .map_err(|e| format!("{} cannot be read: {e}", file.display()))
}

/// The secret `runbook.toml` gives or names.
fn secret(webhook: &config::Webhook, setup: &Setup<'_>) -> Result<Secret> {
    let text = match webhook {
        config::Webhook::Url(url) => Ok(url.clone()),
        config::Webhook::Env(name) => variable(name),
        config::Webhook::File(file) => read(setup, file),
    };
    text.map(|text| Secret::new(text.trim().to_owned()))
        .map_err(|why| {
            Error::new(Kind::Config, format!("the webhook has no address: {why}"))
                .hint("set it, or take `webhook` out of runbook.toml")
        })
}

//! The configuration that new servers are started with, as the hub's configurator keeps it.
//!
//! There are two incompatible generations of that service. Neither checks anything, and a write
//! replaces everything: so all of it is read, one key is changed, all of it is written and read again.

use std::time::Duration;

use http::Method;
use serde::Serialize;
use serde_json::{Map, Value};

use super::call::{Ask, WORK};
use super::error::Error;
use super::servers::door;
use crate::error;
use crate::event::{Change, Fate};
use crate::names::Class;
use crate::world::http::Http;
use crate::world::{World, retry};

pub(super) const PATH: &str = "/services/configurator/config";
const SCHEMA: &str = "/services/configurator/schema";
/// The traitlet that names the image.
const TRAITLET: &str = "KubeSpawner.image";
/// How often a write is tried that left no trace.
const TRIES: u32 = 3;
/// Right after a hub's start its services have no route for a moment.
const ROUTED: Duration = Duration::from_secs(6);

/// What new servers get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    /// The image; empty when none is set, and the chart's own is used.
    pub image: String,
    /// `traitlets` (the configuration alone, as 2i2c ran it) or `schema` (the newer kind).
    pub generation: &'static str,
    /// What is wrong with the configuration, if anything is.
    pub broken: Option<String>,
}

/// The configuration as it was read.
#[derive(Debug, Clone, PartialEq)]
struct Config {
    generation: &'static str,
    /// What the image's key is called.
    key: String,
    values: Map<String, Value>,
    broken: Option<String>,
}

impl Config {
    fn image(&self) -> &str {
        let image = self.values.get(&self.key).and_then(Value::as_str);
        image.unwrap_or_default()
    }

    /// All of it with another image.
    fn with(&self, image: &str) -> Map<String, Value> {
        let mut values = self.values.clone();
        if image.is_empty() {
            values.remove(&self.key);
        } else {
            values.insert(self.key.clone(), image.into());
        }
        values
    }

    fn parse(body: &[u8]) -> Result<Self, String> {
        let said: Value = serde_json::from_slice(body).map_err(|why| why.to_string())?;
        let (schema, stored) = (said.get("schema"), said.get("config"));
        if let (Some(schema), Some(stored)) = (schema, stored) {
            let properties = schema.get("properties").and_then(Value::as_object);
            let is_image = |(_, of): &(&String, &Value)| {
                of.get("traitlet").and_then(Value::as_str) == Some(TRAITLET)
            };
            let key = properties.and_then(|of| of.iter().find(is_image));
            let (key, _) = key.ok_or("its schema has no image")?;
            // The service's own page encodes twice; then no server can be started.
            let (values, broken) = match stored {
                Value::String(text) => {
                    let values = serde_json::from_str(text).map_err(|why| why.to_string())?;
                    let broken = "it was saved as a text in a text: no server can be started";
                    (values, Some(broken.to_owned()))
                }
                stored => (stored.clone(), None),
            };
            return Ok(Self {
                generation: "schema",
                key: key.clone(),
                values: object(values)?,
                broken,
            });
        }
        let image = said.get(TRAITLET);
        if image.is_some_and(|image| !image.is_string()) {
            return Err("its image is no text".to_owned());
        }
        Ok(Self {
            generation: "traitlets",
            key: TRAITLET.to_owned(),
            values: object(said)?,
            broken: None,
        })
    }
}

/// Whether a configurator that answers this is of the newer kind.
pub(super) fn is_schema(text: &str) -> bool {
    Config::parse(text.as_bytes()).is_ok_and(|config| config.generation == "schema")
}

fn object(value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(values) => Ok(values),
        other => Err(format!("it is {other}, and not names with values")),
    }
}

async fn read(world: &World, hub: &Http, again: Duration) -> Result<Config, Error> {
    let ask = Ask {
        again: Some(again),
        ..Ask::get("read its configuration", PATH)
    };
    let base = || hub.base().to_owned();
    match ask.send(world, hub).await {
        Ok(answer) => {
            Config::parse(&answer.body).map_err(|why| Error::BrokenConfig { hub: base(), why })
        }
        Err(Error::Absent { hub }) => Err(Error::NoConfigurator { hub }),
        Err(Error::Refused { code: 500, .. }) => Err(Error::BrokenConfig {
            hub: base(),
            why: "the configurator itself cannot read it (500)".to_owned(),
        }),
        Err(failure) => Err(failure),
    }
}

/// A key that the service itself does not know would keep every server from starting; where it
/// shows its schema, that has to have the key.
async fn known(world: &World, hub: &Http, config: &Config) -> Result<(), Error> {
    if config.generation != "traitlets" {
        return Ok(());
    }
    let ask = Ask {
        again: None,
        ..Ask::get("read its configuration's schema", SCHEMA)
    };
    let Ok(schema) = ask.read::<Value>(world, hub).await else {
        return Ok(());
    };
    let properties = schema.get("properties");
    if properties.is_some_and(|of| of.get(&config.key).is_some()) {
        return Ok(());
    }
    Err(Error::BrokenConfig {
        hub: hub.base().to_owned(),
        why: "its schema has no image".to_owned(),
    })
}

/// What new servers get.
///
/// # Errors
/// When the hub has no configurator, or its configuration cannot be understood.
pub async fn image(world: &World) -> error::Result<Image> {
    let hub = door(world).await?;
    let config = read(world, &hub, ROUTED).await?;
    Ok(Image {
        image: config.image().to_owned(),
        generation: config.generation,
        broken: config.broken,
    })
}

/// Gives new servers another image, where they now get `expected`; empty for the chart's own. Says
/// whether anything had to be changed. Harmless to repeat.
///
/// # Errors
/// Kind `raced` when they get something else, or get it right after; nothing is written over that.
pub async fn set_image(world: &World, image: &str, expected: &str) -> error::Result<bool> {
    let hub = door(world).await?;
    let change = Change {
        what: "image of new servers".to_owned(),
        before: shown(expected),
        after: shown(image),
        call: "hub::set_image".to_owned(),
        class: Class::WriteConverge,
        operation: None,
        fate: Fate::Done,
    };
    for _ in 0..TRIES {
        let before = read(world, &hub, ROUTED).await?;
        if before.image() == image && before.broken.is_none() {
            return world.found_made(change);
        }
        if before.image() != expected {
            let found = shown(before.image());
            let expected = shown(expected);
            return Err(Error::Raced { expected, found }.into());
        }
        known(world, &hub, &before).await?;
        let wanted = before.with(image);
        world.may_change(&change)?;
        let sent = write(world, &hub, &wanted, &change).await?;
        // A hub may restart when it is configured.
        let after = read(world, &hub, WORK).await?;
        if after.values == wanted && after.broken.is_none() {
            // It arrived after all, and its answer was lost.
            if !sent {
                world.changed(change)?;
            }
            return Ok(true);
        }
        if sent || after != before {
            let found = shown(after.image());
            let expected = shown(image);
            return Err(Error::Raced { expected, found }.into());
        }
    }
    let why = format!("{TRIES} writes left no trace");
    let hub = hub.base().to_owned();
    Err(Error::Lost { hub, why }.into())
}

/// Writes it once; says whether the hub said yes. Where nobody knows, whoever asks has to look.
async fn write(
    world: &World,
    hub: &Http,
    values: &Map<String, Value>,
    change: &Change,
) -> error::Result<bool> {
    let ask = Ask {
        body: Value::Object(values.clone()).to_string().into_bytes(),
        again: None,
        ..Ask::to(Method::POST, "write its configuration", PATH)
    };
    let sent = async {
        match ask.send(world, hub).await {
            Ok(_) => world.changed(change.clone()).map(|()| true),
            Err(failure) if retry::Failure::verdict(&failure) == retry::Verdict::Unknown => {
                Ok(false)
            }
            // The configurator's own 403 says nothing.
            Err(Error::Token { hub }) => Err(Error::Narrow {
                hub,
                what: ask.what,
                message: "that takes an admin's token with access:services!service=configurator"
                    .to_owned(),
            }
            .into()),
            Err(failure) => Err(failure.into()),
        }
    };
    world.stop().shielded(sent).await
}

/// An image, or what stands for none.
fn shown(image: &str) -> String {
    match image {
        "" => "the chart's own".to_owned(),
        image => image.to_owned(),
    }
}

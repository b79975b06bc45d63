//! The configurator of the practice hub: what every new server is spawned with.
//!
//! There are two generations of it, and neither looks at what it is given: what is posted replaces
//! everything, and every spawn trips over it.

use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::fault::Trouble;
use super::objects::NOTEBOOK;
use super::state::{State, later, millis};

/// The traitlet that names the image.
const IMAGE: &str = "KubeSpawner.image";
const URL: &str = "Spawner.default_url";
/// For how long `hub-restarting` takes the hub away, in milliseconds: without an answer, and then
/// without a route to it.
pub(super) const AWAY: (u64, u64) = (55_000, 15_000);
/// What the other one of `config-raced` saves.
const THEIRS: &str = "callysto/2i2c:0.1.3";

/// What is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Configurator {
    pub(super) generation: Generation,
    /// As it was posted; none when nobody ever has.
    stored: Option<String>,
}

/// The two that are about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Generation {
    /// The bare configuration, its keys are traitlets.
    #[default]
    Traitlets,
    /// The configuration beside its schema, whose properties say which traitlet each key is.
    Schema,
}

impl Configurator {
    /// What somebody's page has made of an older version.
    pub(super) fn double_encoded() -> Self {
        Self {
            generation: Generation::Schema,
            stored: Some(json!(json!({ "z2jh.image": NOTEBOOK }).to_string()).to_string()),
        }
    }

    /// The same as one that answered this.
    pub(super) fn copy(schema: bool, answer: Option<&str>) -> Self {
        let whole: Option<Value> = answer.and_then(|text| serde_json::from_str(text).ok());
        let (generation, stored) = if schema {
            let stored = whole.as_ref().and_then(|whole| whole.get("config"));
            (Generation::Schema, stored.map(Value::to_string))
        } else {
            (Generation::Traitlets, answer.map(str::to_owned))
        };
        Self { generation, stored }
    }

    /// What is kept: nothing set, when nobody ever has.
    fn value(&self) -> Value {
        let stored = self.stored.as_deref().map(serde_json::from_str);
        match stored {
            Some(value) => value.unwrap_or_default(),
            None => Value::Object(Map::new()),
        }
    }

    fn key(&self) -> &'static str {
        match self.generation {
            Generation::Traitlets => IMAGE,
            Generation::Schema => "z2jh.image",
        }
    }

    fn schema(&self) -> Value {
        let image = json!({"type": "string", "title": "User docker image",
            "description": "Determines languages, libraries and interfaces available"});
        let url = json!({"type": "string", "title": "Default User Interface",
            "enum": ["/tree", "/lab", "/rstudio"], "default": "/tree"});
        let properties = match self.generation {
            Generation::Traitlets => json!({ IMAGE: image, URL: url }),
            Generation::Schema => {
                let with = |mut of: Value, traitlet: &str| {
                    if let Some(of) = of.as_object_mut() {
                        of.insert("traitlet".to_owned(), traitlet.into());
                    }
                    of
                };
                json!({ "z2jh.image": with(image, IMAGE), "z2jh.default_interface": with(url, URL) })
            }
        };
        json!({"type": "object", "name": "config", "properties": properties})
    }

    fn knows(&self, key: &str) -> bool {
        let schema = self.schema();
        let properties = schema.get("properties");
        properties.is_some_and(|of| of.get(key).is_some())
    }

    /// GET of `config`, which anybody may.
    fn read(&self) -> Response {
        let stored = self.value();
        match (self.generation, &stored) {
            (Generation::Schema, stored) => {
                axum::Json(json!({"schema": self.schema(), "config": stored})).into_response()
            }
            (Generation::Traitlets, Value::Object(_)) => axum::Json(stored).into_response(),
            // It was encoded twice; once is undone here, by accident.
            (Generation::Traitlets, Value::String(text)) => {
                let headers = [(header::CONTENT_TYPE, "application/json")];
                (headers, text.clone()).into_response()
            }
            (Generation::Traitlets, _) => {
                traceback("write() only accepts bytes, unicode, and dict objects")
            }
        }
    }

    /// The image a spawn takes; nothing set is the chart's own.
    ///
    /// # Errors
    /// What the spawn fails with.
    fn image(&self) -> Result<Option<String>, String> {
        let stored = match (self.value(), self.generation) {
            (Value::String(text), Generation::Traitlets) => {
                serde_json::from_str(&text).unwrap_or_default()
            }
            (stored, _) => stored,
        };
        let Value::Object(config) = stored else {
            let kind = match stored {
                Value::String(_) => "str",
                Value::Array(_) => "list",
                _ => "NoneType",
            };
            return Err(match self.generation {
                // The spawner asks the service, which trips over it first.
                Generation::Traitlets => "HTTP 500: Internal Server Error".to_owned(),
                Generation::Schema => format!("'{kind}' object has no attribute 'items'"),
            });
        };
        for key in config.keys() {
            let known = match self.generation {
                Generation::Traitlets => key.contains('.'),
                Generation::Schema => self.knows(key),
            };
            if !known {
                return Err(match self.generation {
                    Generation::Traitlets => {
                        "not enough values to unpack (expected 2, got 1)".to_owned()
                    }
                    Generation::Schema => format!("'{key}'"),
                });
            }
        }
        let image = config.get(self.key()).and_then(Value::as_str);
        Ok(image.filter(|image| !image.is_empty()).map(str::to_owned))
    }
}

/// What its server says of a mistake of its own: it runs with debugging on.
fn traceback(why: &str) -> Response {
    let text = format!(
        "Traceback (most recent call last):\n  File \"tornado/web.py\", line 1848, in _execute\n\
         TypeError: {why}\n"
    );
    let headers = [(header::CONTENT_TYPE, "text/plain")];
    (StatusCode::INTERNAL_SERVER_ERROR, headers, text).into_response()
}

impl State {
    /// The image of the next server of a hub.
    ///
    /// # Errors
    /// What starting any server fails with.
    pub(super) fn spawned_image(&self, namespace: &str) -> Result<String, String> {
        let configured = if namespace == self.hub_home() {
            self.hub.configurator.image()?
        } else {
            None
        };
        Ok(configured.unwrap_or_else(|| self.layout.notebook.clone()))
    }

    /// A request to the configurator; `may` is whether whoever asks may use it, and `known` whether
    /// the hub knows them.
    pub(super) fn configure(
        &mut self,
        (method, path): (&http::Method, &str),
        (known, may): (bool, bool),
        body: &[u8],
        at: Timestamp,
    ) -> Response {
        let log_in = || {
            let to = "/hub/api/oauth2/authorize?client_id=service-configurator";
            (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
        };
        let forbidden = || (StatusCode::FORBIDDEN, "403: Forbidden").into_response();
        let old = self.hub.configurator.generation == Generation::Traitlets;
        match (method.as_str(), path) {
            ("GET", "config") => self.hub.configurator.read(),
            ("POST", "config") if !may => forbidden(),
            ("POST", "config") => {
                let Ok(value) = serde_json::from_slice::<Value>(body) else {
                    return traceback("Expecting value: line 1 column 1 (char 0)");
                };
                self.store_config(&value, at);
                (
                    [(header::CONTENT_TYPE, "text/html; charset=UTF-8")],
                    String::new(),
                )
                    .into_response()
            }
            (_, "config") => StatusCode::METHOD_NOT_ALLOWED.into_response(),
            ("GET", "" | "schema") if !known => log_in(),
            ("GET", "" | "schema") if !may => forbidden(),
            ("GET", "schema") if old => axum::Json(self.hub.configurator.schema()).into_response(),
            ("GET", "") => "<html>configurator</html>".into_response(),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    fn store_config(&mut self, value: &Value, at: Timestamp) {
        self.record("POST", "/services/configurator/config", value.clone(), at);
        self.hub.configurator.stored = Some(value.to_string());
        if self.strikes_once(Trouble::ConfigRaced, at) {
            let theirs = json!({ self.hub.configurator.key(): THEIRS });
            self.hub.configurator.stored = Some(theirs.to_string());
        }
        if self.strikes_once(Trouble::HubRestarting, at) {
            let back = later(at, AWAY.0 + AWAY.1);
            self.hub.back_ms = millis(back);
        }
    }
}

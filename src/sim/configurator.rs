//! The configurator of the practice hub: what every new server is spawned with.

use super::objects::NOTEBOOK;
use super::state::State;

impl State {
    /// The image of the next server of a hub.
    #[expect(clippy::unused_self, reason = "nothing can be configured yet")]
    pub(super) fn spawned_image(&self, _namespace: &str) -> String {
        NOTEBOOK.to_owned()
    }
}

//! Whether the portal works, as far as an outsider may know: yes or no, and since when. No versions, names of machines
//! or causes; those are in the log.

use std::sync::Arc;
use std::time::Duration;

use propusk::Auth;
use propusk::clock::Timestamp;
use tokio::sync::Mutex;

/// The last look at the store, shared: however many ask, it is asked once in a while. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<Mutex<Option<Look>>>);

/// What a look saw.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub works: bool,
    pub at: Timestamp,
}

impl Pulse {
    /// How it is now, or was a moment ago. Takes no longer than the store may take to answer, twice at the most: who
    /// comes while another looks waits for that look.
    pub async fn look(&self, auth: &Auth) -> Look {
        let mut last = self.0.lock().await;
        let now = auth.now();
        if let Some(look) = last.filter(|look| now.since(look.at) < KEEPS && now >= look.at) {
            return look;
        }
        let works = match tokio::time::timeout(PATIENCE, auth.probe()).await {
            Ok(Ok(())) => true,
            Ok(Err(broken)) => {
                eprintln!("cabinet: status: {broken}");
                false
            }
            Err(_) => {
                eprintln!("cabinet: status: the store does not answer");
                false
            }
        };
        let look = Look { works, at: auth.now() };
        *last = Some(look);
        look
    }
}

const KEEPS: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(2);

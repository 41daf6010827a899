//! What an application logs of a request, and the steps that were taken for it.

use std::io;
use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use propusk::Profile;
use propusk::axum::router;
use tracing::{Instrument, Level, info_span};

use crate::portal::{WORD, portal};
use crate::web::Web;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn within_mine(request: Request, next: Next) -> Response {
    next.run(request).instrument(info_span!("mine", request = 7)).await
}

/// Also where the step outlives its client, in a task of its own: else nobody finds the lines of one request together.
#[tokio::test]
async fn each_step_is_a_child_of_the_applications_span() {
    let lines = Lines::default();
    let to = lines.clone();
    let logs = tracing_subscriber::fmt().with_max_level(Level::INFO).with_ansi(false);
    // On this thread, where its tasks run, too: other tests keep their peace.
    let _here = tracing::subscriber::set_default(logs.with_writer(move || to.clone()).finish());
    let (auth, _) = portal(Profile::nist_aal1());
    let router = router(auth).unwrap().layer(from_fn(within_mine));
    Web::browser(&router).sign_in("+79161234567", WORD).await.problem(403, "wrong");
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let steps: Vec<_> = lines.lines().filter(|line| line.contains("step{call=\"sign-in\"")).collect();
    assert!(!steps.is_empty() && steps.iter().all(|line| line.contains("mine{request=7}")), "{lines}");
}

//! The names of the kinds of write.

use crate::store::Write;

/// How many kinds of write there are, and how many of them only look.
pub(super) const KINDS: usize = 30;
pub(super) const KEEPS: usize = 3;

/// A new kind of write does not compile until it has a name here; count it above, and the check of batches fails
/// until it is tried.
pub(super) fn kind(write: &Write) -> &'static str {
    match write {
        Write::AddAccount(_) => "AddAccount",
        Write::SwapAccount { .. } => "SwapAccount",
        Write::KeepAccount { .. } => "KeepAccount",
        Write::KeepEpoch { .. } => "KeepEpoch",
        Write::RaiseEpoch { .. } => "RaiseEpoch",
        Write::AddIdentifier(_) => "AddIdentifier",
        Write::RemoveIdentifier { .. } => "RemoveIdentifier",
        Write::AddContact(_) => "AddContact",
        Write::KeepContact { .. } => "KeepContact",
        Write::RemoveContact { .. } => "RemoveContact",
        Write::AddCredential(_) => "AddCredential",
        Write::SwapCredential { .. } => "SwapCredential",
        Write::KeepCredential { .. } => "KeepCredential",
        Write::RemoveCredential { .. } => "RemoveCredential",
        Write::AddBrowser { .. } => "AddBrowser",
        Write::TouchBrowser { .. } => "TouchBrowser",
        Write::ForgetBrowsers { .. } => "ForgetBrowsers",
        Write::AddFlow(_) => "AddFlow",
        Write::SwapFlow { .. } => "SwapFlow",
        Write::TakeFlow { .. } => "TakeFlow",
        Write::Once { .. } => "Once",
        Write::Event(_) => "Event",
        Write::Message(_) => "Message",
        Write::CloseMessage { .. } => "CloseMessage",
        Write::RetryMessage { .. } => "RetryMessage",
        Write::AddSession { .. } => "AddSession",
        Write::TouchSession { .. } => "TouchSession",
        Write::EndSession { .. } => "EndSession",
        Write::EndSessions { .. } => "EndSessions",
        Write::Settle { .. } => "Settle",
        Write::AddCanary { .. } => "AddCanary",
    }
}

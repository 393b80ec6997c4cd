//! Drafts of which nobody has a token, because an answer of their bucket was lost: they are found by the names that
//! their files would have got, and removed unless other work has them, or may be about to.

use std::collections::HashSet;
use std::sync::Arc;

use storage::{BegunUpload, ObjectPath, Store, Token};

use crate::error::{Error, Reason, Result};
use crate::exports::begun_token;
use crate::instance::Instance;

/// The length of the id that a piece of work has or begins with: a UUID with hyphens.
const ID_BYTES: usize = 36;

/// Removes those of the uploads that were `found` open under the names of `work`'s files which are no other work's.
/// They are looked for first, and whose they are is read here, behind that: whatever the place knew of by then is on
/// record by now, for the record comes first.
///
/// # Errors
/// The place's; those of reading the records, for one that cannot be read might be of any upload; one that may pass
/// where an upload may be of work that has just begun one: what is left is to be looked for again.
pub(crate) async fn remove_lost(
    instance: &Arc<Instance>,
    store: &Store,
    work: &str,
    found: Vec<BegunUpload>,
) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let others = Others::read(instance, work).await?;
    let mut unsure = None;
    for upload in found {
        if others
            .tokens
            .iter()
            .any(|token| token.is_same_draft(&upload.token))
        {
            continue;
        }
        if others.may_have_begun(&upload.target) {
            unsure = Some(upload.target);
            continue;
        }
        store.discard(&upload.token).await?;
    }
    match unsure {
        None => Ok(()),
        Some(target) => Err(Error::internal(
            Reason::StorageFailed,
            format_args!("an upload of '{target}' may be of other work that has just begun it"),
        )
        .retryable(true)),
    }
}

/// What exports and uploads other than one piece of work have in places, by their records.
#[derive(Debug, Default)]
struct Others {
    /// The drafts that they have begun.
    tokens: Vec<Token>,
    /// The last parts of the names of files that are about to begin, or have begun and the answer is awaited. Only of
    /// work that runs: what a stopped server was about to begin is as lost as what is looked for.
    about_to_begin: HashSet<String>,
}

impl Others {
    async fn read(instance: &Arc<Instance>, work: &str) -> Result<Self> {
        let work = work.get(..ID_BYTES).unwrap_or(work).to_owned();
        instance
            .blocking(move |instance| {
                let mut others = Self::default();
                for export in instance.catalog.unfinished_exports()? {
                    if export.id == work {
                        continue;
                    }
                    let runs = instance.jobs.get(&export.id).is_some();
                    for file in export.plan.iter().filter(|file| file.role.has_draft()) {
                        match begun_token(file)? {
                            Some(token) => others.tokens.push(token),
                            None if runs => others.expect(&ObjectPath::parse(&file.target)?),
                            None => {}
                        }
                    }
                }
                for upload in instance.uploads.running_but(&work) {
                    match upload.token {
                        Some(token) => others.tokens.push(token),
                        None => others.expect(&upload.target),
                    }
                }
                Ok(others)
            })
            .await
    }

    /// The name alone, for the paths of other stages begin elsewhere.
    fn expect(&mut self, target: &ObjectPath) {
        self.about_to_begin.insert(target.file_name().to_owned());
    }

    fn may_have_begun(&self, target: &ObjectPath) -> bool {
        self.about_to_begin.contains(target.file_name())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use storage::{Location, Policy};

    use super::*;
    use crate::{Server, Settings};

    /// Of three drafts of one name, one is another upload's, and one may be one's that has just begun.
    #[tokio::test]
    async fn what_other_work_has_or_may_have_begun_stays() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::open(Settings::embedded(folder.path()))
            .await
            .unwrap();
        let instance = &server.instance;
        let place = Location::Memory("lost drafts".to_owned());
        let store = Store::open(&place, None, &Policy::default()).await.unwrap();
        let target = ObjectPath::parse("a/data.csv").unwrap();
        let mut found = Vec::new();
        for work in ["lost", "other"] {
            let draft = store.draft(work, 0, &target).await.unwrap();
            found.push(BegunUpload {
                token: draft.finish().unwrap().token,
                target: target.clone(),
            });
        }
        let (lost, other) = (found[0].token.clone(), found[1].token.clone());
        let remove = || remove_lost(instance, &store, "lost", found.clone());

        let elsewhere = ObjectPath::parse("data.csv").unwrap();
        instance.uploads.assume_running("third", &elsewhere, None);
        let error = remove().await.unwrap_err();
        assert!(error.is_retryable(), "{}", error.message());
        assert!(store.has_draft(&lost).await.unwrap(), "it may be third's");

        let begun = Token::of_file("third", 0);
        instance
            .uploads
            .assume_running("third", &elsewhere, Some(begun));
        instance
            .uploads
            .assume_running("other", &target, Some(other.clone()));
        // What it was itself about to begin is what is looked for.
        instance.uploads.assume_running("lost", &target, None);
        remove().await.unwrap();
        assert!(!store.has_draft(&lost).await.unwrap());
        assert!(store.has_draft(&other).await.unwrap());
    }
}

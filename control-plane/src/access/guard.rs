//! The guard before all services: a layer that no call comes past.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use arc_swap::ArcSwap;
use futures_util::future::{BoxFuture, Either};
use proto::error::{Reason, Refusal};
use runtime::{
    config::Invalid,
    files::{Named, Watched},
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Status,
    body::Body,
    codegen::{
        Service,
        http::{HeaderMap, Request, Response, header::AUTHORIZATION},
    },
};
use tower::Layer;

use super::{
    Caller,
    file::{Holder, Holders},
    player, table,
};

/// The names of the client certificate that a connection began with, as `runtime::tls::peer_names` has them.
#[derive(Debug, Clone, Default)]
pub(crate) struct PeerNames(pub(crate) Arc<[String]>);

/// Who is let in.
#[derive(Debug)]
pub(crate) struct Access {
    /// `None`: nobody is asked who they are.
    holders: Option<ArcSwap<Holders>>,
}

impl Access {
    /// Lets everybody do everything.
    pub(crate) fn open() -> Self {
        Self { holders: None }
    }

    /// Lets in whom the file names. What is returned besides has to be given to [`Access::keep`].
    pub(crate) fn of_file(file: &Named) -> Result<(Self, Watched), Invalid> {
        let watched = Watched::open(vec![file.clone()])?;
        let holders = Holders::parse(&watched.contents()[0]).map_err(|why| file.invalid(why))?;
        if holders.len() == 0 {
            tracing::warn!(file = %file.path.display(), "the access file names nobody: every call is refused");
        }
        Ok((Self { holders: Some(ArcSwap::from_pointee(holders)) }, watched))
    }

    /// Takes the file's changes until `stop`. A file that can't be taken changes nothing.
    pub(crate) async fn keep(self: Arc<Self>, file: Named, watched: Watched, stop: CancellationToken) {
        let take = |contents: &[Vec<u8>]| self.change(&file, &contents[0]);
        watched.follow("the access file", stop, take).await;
    }

    /// Lets in whom this text names from now on. One that can't be taken changes nothing.
    fn change(&self, file: &Named, text: &[u8]) -> Result<(), Invalid> {
        let Some(holders) = &self.holders else { return Ok(()) };
        let before = holders.load_full();
        let now = Arc::new(before.parse_again(text).map_err(|why| file.invalid(why))?);
        holders.store(Arc::clone(&now));
        before.revoke_missing(&now);
        Ok(())
    }

    /// Who calls, and whether they may.
    fn admit(&self, request: &Request<Body>) -> Result<Admitted, Status> {
        let row = table::row(request.uri().path());
        let (caller, revoked) = match &self.holders {
            _ if row.is_some_and(|row| row.scopes.is_none()) => (Caller::anybody(), None),
            None => (Caller::anybody(), None),
            Some(holders) => {
                let names = request.extensions().get::<PeerNames>();
                let holder = identify(&holders.load(), request.headers(), names)?;
                let Holder { name, scopes, servers, revoked, .. } = &*holder;
                let (name, servers) = (Arc::clone(name), Arc::clone(servers));
                (Caller { name, scopes: *scopes, servers, player: None }, Some(revoked.clone()))
            }
        };
        // Who is known may know that there is no such call; without a row nothing behind this guard hears of it.
        let row = row.ok_or_else(|| Status::new(Code::Unimplemented, "there is no such call"))?;
        let Some(scopes) = row.scopes else {
            return Ok(Admitted { caller, revoked: None });
        };
        if !caller.scopes.meet(scopes) {
            let (name, has) = (&caller.name, caller.scopes);
            let message = format!(
                "`{name}` may not call {}: it has the scope {has}, and the call needs one of {scopes}",
                &row.method[1..]
            );
            return Err(Refusal::new(Reason::Forbidden, message).into_status());
        }
        let player = player::named(request.headers(), &caller.name, caller.scopes)?;
        let revoked = revoked.filter(|_| row.streams);
        Ok(Admitted { caller: Caller { player, ..caller }, revoked })
    }
}

/// Who may go on.
struct Admitted {
    caller: Caller,
    /// Ends the answer, where that is one that goes on and on.
    revoked: Option<CancellationToken>,
}

fn identify(
    holders: &Holders,
    headers: &HeaderMap,
    names: Option<&PeerNames>,
) -> Result<Arc<Holder>, Refusal> {
    let refused = |message: &str| Refusal::new(Reason::Unauthenticated, message);
    // A key says it more precisely than the connection: a gateway passes on those of others.
    if let Some(value) = headers.get(AUTHORIZATION) {
        let key = value.to_str().ok().and_then(|value| value.split_once(' '));
        let key = key.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, key) = key.ok_or_else(|| refused("`authorization` must be `Bearer`, a space and a key"))?;
        let holder = holders.by_key(key.trim());
        return holder
            .cloned()
            .ok_or_else(|| refused("this key is not known here; it may have been revoked"));
    }
    let names = names.map_or(&[][..], |names| &names.0);
    if names.is_empty() {
        return Err(refused("this call needs a key (`authorization: Bearer …`) or a client certificate"));
    }
    let holder = holders.by_certificate(names);
    holder.cloned().ok_or_else(|| refused("no name of this client certificate is in the access file"))
}

/// Puts the guard before services.
#[derive(Debug, Clone)]
pub(crate) struct GuardLayer(pub(crate) Arc<Access>);

/// A service with the guard before it.
#[derive(Debug, Clone)]
pub(crate) struct Guard<S> {
    inner: S,
    access: Arc<Access>,
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { inner, access: Arc::clone(&self.0) }
    }
}

impl<S> Service<Request<Body>> for Guard<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: Send,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<
        Either<S::Future, BoxFuture<'static, Result<Response<Body>, S::Error>>>,
        Ready<Result<Response<Body>, S::Error>>,
    >;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Admitted { caller, revoked } = match self.access.admit(&request) {
            Ok(admitted) => admitted,
            Err(status) => {
                let (method, why) = (request.uri().path(), status.message());
                tracing::debug!(method, why, "a call was refused at the door");
                let code =
                    if status.code() == Code::Unauthenticated { "unauthenticated" } else { "forbidden" };
                metrics::counter!("control_plane_callers_refused_total", "why" => code).increment(1);
                return Either::Right(ready(Ok(status.into_http())));
            }
        };
        // It has done its part, and is nobody else's business.
        request.headers_mut().remove(AUTHORIZATION);
        request.extensions_mut().insert(caller);
        let answer = self.inner.call(request);
        Either::Left(match revoked {
            None => Either::Left(answer),
            Some(revoked) => Either::Right(Box::pin(async move {
                let response = answer.await?;
                Ok(response.map(|body| Body::new(super::until::Until::new(body, revoked))))
            })),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::NewKey, *};

    #[test]
    fn a_file_that_broke_keeps_who_was_known() {
        let dir = tempfile::tempdir().unwrap();
        let file = Named::new("access_file", dir.path().join("access"));
        let [known, later] = [NewKey::make(), NewKey::make()];
        let (first, second) =
            (format!("a operator {}\n", known.hash()), format!("b operator {}\n", later.hash()));
        std::fs::write(&file.path, &first).unwrap();
        let (access, _) = Access::of_file(&file).unwrap();
        let knows = |key: &NewKey| access.holders.as_ref().unwrap().load().by_key(key.secret()).cloned();
        let holder = knows(&known).unwrap();

        let refused = access.change(&file, format!("{second}c operator\n").as_bytes()).unwrap_err();
        assert!(refused.to_string().contains("line 2: needs a name"), "{refused}");
        assert!(knows(&known).is_some() && knows(&later).is_none() && !holder.revoked.is_cancelled());

        access.change(&file, second.as_bytes()).unwrap();
        assert!(knows(&known).is_none() && knows(&later).is_some() && holder.revoked.is_cancelled());
    }
}

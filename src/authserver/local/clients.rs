//! The clients that registered themselves (RFC 7591), for root: who may write the administrator's
//! files may see and remove these too, which are in the store. As in those files, of a secret there
//! is what it is verified with.

use super::account::Account;
use super::protocol::ClientsRequest;
use crate::error::{Code, Failure, OAuthError};
use crate::log;
use crate::state::Server;
use serde_json::{Value, json};

/// Does what `account` asks for, which has to be root.
///
/// # Errors
/// `access_denied`; `invalid_request`, where there is no such client.
pub async fn answered(
    server: &Server,
    account: &Account,
    asked: &ClientsRequest,
) -> Result<Value, Failure> {
    if account.uid != 0 {
        return Err(OAuthError::new(Code::AccessDenied, "clients are for root to see").into());
    }
    let unknown = || OAuthError::request("no client of this id has registered itself");
    match asked {
        ClientsRequest::List => {
            let all = server.store.registered_all().await?;
            Ok(json!({ "clients": all }))
        }
        ClientsRequest::Show(id) => {
            let client = server.store.registered(id).await?.ok_or_else(unknown)?;
            Ok(json!({ "client": client }))
        }
        ClientsRequest::Remove(id) => {
            if !server.store.unregister(id).await? {
                return Err(unknown().into());
            }
            log::fields(5, "local: client removed", &[("client_id", id)]);
            Ok(json!({ "removed": id }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::alice;
    use crate::testing::World;
    use clients::Clients;

    #[tokio::test]
    async fn root_alone_sees_and_removes_who_registered() {
        let world = World::new("", &[]).await;
        let server = &world.server;
        let text = "client_id = \"c1\"\nsecret_sha256 = [\"5ec2e7\"]\n";
        let parsed = Clients::parse([("c1.toml", text)]).unwrap();
        server
            .store
            .register(parsed.get("c1").unwrap(), 1)
            .await
            .unwrap();
        let one = || "c1".to_owned();
        let [root, alice] = [alice(0, &[]), alice(1000, &[])];
        for asked in [
            ClientsRequest::List,
            ClientsRequest::Show(one()),
            ClientsRequest::Remove(one()),
        ] {
            let Err(Failure::Refused(error)) = answered(server, &alice, &asked).await else {
                panic!("{asked:?}");
            };
            assert_eq!(error.code, Code::AccessDenied);
        }
        let list = answered(server, &root, &ClientsRequest::List)
            .await
            .unwrap();
        assert_eq!(list["clients"][0]["client_id"], "c1");
        let show = ClientsRequest::Show(one());
        let shown = answered(server, &root, &show).await.unwrap();
        assert_eq!(shown["client"], list["clients"][0]);
        let remove = ClientsRequest::Remove(one());
        let removed = answered(server, &root, &remove).await.unwrap();
        assert_eq!(removed, json!({ "removed": "c1" }));
        for gone in [show, remove] {
            assert!(answered(server, &root, &gone).await.is_err());
        }
        let list = answered(server, &root, &ClientsRequest::List)
            .await
            .unwrap();
        assert_eq!(list, json!({ "clients": [] }));
    }
}

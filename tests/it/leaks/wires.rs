//! The other wires' ways in: logins, statements and parameters over MySQL and Arrow Flight SQL, and the passwords of
//! other servers' tables.

use std::net::SocketAddr;

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{
    ActionCreatePreparedStatementRequest, CommandStatementQuery, ProstMessageExt,
};
use arrow_flight::{Action, FlightDescriptor, HandshakeRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use prost::Message;
use tonic::Request;
use tonic::transport::Channel;

use super::Caller;
use crate::harness::ROOT_PASSWORD;
use crate::serve_process::connect;

async fn log_in(mysql: SocketAddr, user: &str, password: &str) -> mysql_async::Result<Conn> {
    let options = OptsBuilder::default()
        .ip_or_hostname(mysql.ip().to_string())
        .tcp_port(mysql.port())
        .user(Some(user))
        .pass(Some(password))
        .prefer_socket(false);
    Conn::new(options).await
}

/// Logins, statements and parameters of clients of MySQL.
pub(super) async fn mysql(caller: &mut Caller, at: SocketAddr) {
    for (what, user) in [("mysql-wrong", "u"), ("mysql-nobody", "nobody")] {
        let wrong = caller.plant(what);
        let refused = log_in(at, user, &wrong).await.unwrap_err();
        caller.answered(what, &format!("{refused} {refused:?}"));
    }
    let mut conn = log_in(at, "root", ROOT_PASSWORD).await.unwrap();
    let password = caller.plant("mysql-create-user");
    let create = format!("CREATE USER my IDENTIFIED BY '{password}'");
    conn.query_drop(create).await.unwrap();
    drop(log_in(at, "my", &password).await.unwrap());
    let misspelt = caller.plant("mysql-misspelt");
    let failed = conn
        .query_drop(format!("CREATE USER x IDENTIFED BY '{misspelt}'"))
        .await
        .unwrap_err();
    caller.answered("a misspelt statement of MySQL", &failed);
    let parameter = caller.plant("mysql-parameter");
    conn.exec_drop("CREATE USER mp IDENTIFIED BY ?", (parameter.as_str(),))
        .await
        .unwrap();
    drop(log_in(at, "mp", &parameter).await.unwrap());
    let parameter = caller.plant("mysql-parameter-refused");
    let failed = conn
        .exec_drop("CREATE USER mp IDENTIFIED BY ?", (parameter.as_str(),))
        .await
        .unwrap_err();
    caller.answered("a parameter of MySQL", &failed);
    conn.disconnect().await.unwrap();
}

fn authorized<T>(message: T, authorization: &str) -> Request<T> {
    let mut request = Request::new(message);
    let value = authorization.parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

async fn shake_hands(
    service: &mut FlightServiceClient<Channel>,
    password: &str,
) -> Result<String, tonic::Status> {
    let basic = STANDARD.encode(format!("root:{password}"));
    let hello = futures::stream::iter([HandshakeRequest::default()]);
    let request = authorized(hello, &format!("Basic {basic}"));
    let answer = service.handshake(request).await?;
    let token = answer.metadata().get("authorization").unwrap();
    Ok(token.to_str().unwrap().to_owned())
}

/// Handshakes, statements and prepared statements of clients of Flight SQL.
pub(super) async fn flight(caller: &mut Caller, address: &str) {
    let mut service = FlightServiceClient::new(connect(address).await);
    let wrong = caller.plant("flight-wrong");
    let refused = shake_hands(&mut service, &wrong).await.unwrap_err();
    caller.refused("a handshake", &refused);
    let bearer = shake_hands(&mut service, ROOT_PASSWORD).await.unwrap();
    let token = bearer.strip_prefix("Bearer ").unwrap().to_owned();
    caller.note("a handshake's token", &token);
    for (what, statement, is_done) in [
        (
            "flight-create-user",
            "CREATE USER fl IDENTIFIED BY '@'",
            true,
        ),
        ("flight-misspelt", "CREATE USER x IDENTIFED BY '@'", false),
    ] {
        let secret = caller.plant(what);
        let command = CommandStatementQuery {
            query: statement.replace('@', &secret),
            transaction_id: None,
        };
        let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
        let answer = service
            .get_flight_info(authorized(descriptor, &bearer))
            .await;
        assert_eq!(answer.is_ok(), is_done, "{what}: {answer:?}");
        match answer {
            Ok(info) => {
                // The protocol gives back what the caller asked for.
                let mut info = info.into_inner();
                info.flight_descriptor = None;
                caller.received(what, &info);
            }
            Err(status) => caller.refused(what, &status),
        }
    }
    let secret = caller.plant("flight-prepared");
    let prepare = ActionCreatePreparedStatementRequest {
        query: format!("ALTER USER fl IDENTIFIED BY '{secret}'"),
        transaction_id: None,
    };
    let action = Action::new("CreatePreparedStatement", prepare.as_any().encode_to_vec());
    match service.do_action(authorized(action, &bearer)).await {
        Ok(mut answers) => {
            while let Some(answer) = answers.get_mut().message().await.unwrap() {
                // The handle is the client's own, and may be what it asked for.
                caller.answered("a prepared statement", &answer.body.len());
            }
        }
        Err(status) => caller.refused("a prepared statement", &status),
    }
}

/// Passwords for other servers, of which none listens where these statements say.
pub(super) async fn other_servers(caller: &mut Caller) {
    for kind in ["POSTGRES", "MYSQL"] {
        let secret = caller.plant(&format!("password-for-{kind}"));
        caller
            .fails(&format!(
                "CREATE EXTERNAL TABLE theirs FROM {kind} {{'host' = '127.0.0.1', 'port' = '1', 'user' = 'reader', 'password' = '{secret}', 'database' = 'd', 'table' = 't'}}"
            ))
            .await;
    }
}

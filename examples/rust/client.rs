//! A client of stagedoor.v1: `client ADDRESS PASSWORD_FILE FOLDER`. It makes a stage over FOLDER and a table, exports the
//! table to the stage, and reads rows as Arrow.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use anyhow::{Context, Result, bail};
use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proto::v1;
use proto::v1::execute_response::Part;
use proto::v1::export_service_client::ExportServiceClient;
use proto::v1::sql_service_client::SqlServiceClient;
use proto::v1::stage_service_client::StageServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_types::StatusExt;

/// Says with each call who makes it.
#[derive(Clone)]
struct Login(MetadataValue<Ascii>);

impl Interceptor for Login {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request
            .metadata_mut()
            .insert("authorization", self.0.clone());
        Ok(request)
    }
}

struct Client {
    channel: InterceptedService<Channel, Login>,
    session_id: String,
}

impl Client {
    async fn connect(address: &str, user: &str, password: &str) -> Result<Self> {
        // Off this machine: `https://`, for a password in plain text can be read on the way.
        let channel = Channel::from_shared(format!("http://{address}"))?;
        let basic = STANDARD.encode(format!("{user}:{password}"));
        let login = Login(format!("Basic {basic}").parse()?);
        let channel = InterceptedService::new(channel.connect().await?, login);
        let opened = SqlServiceClient::new(channel.clone())
            .open_session(v1::OpenSessionRequest::default())
            .await?;
        Ok(Self {
            channel,
            session_id: opened.into_inner().session_id,
        })
    }

    /// Runs a statement. Its rows are decoded as they come, and the next are asked for when these have been.
    async fn execute(&self, statement: &str) -> Result<(Vec<RecordBatch>, v1::StatementResult)> {
        let request = v1::ExecuteRequest {
            session_id: self.session_id.clone(),
            statement: statement.to_owned(),
            ..Default::default()
        };
        let mut service = SqlServiceClient::new(self.channel.clone());
        let mut parts = service.execute(request).await?.into_inner();
        let (mut decoder, mut batches) = (StreamDecoder::new(), Vec::new());
        while let Some(answer) = parts.message().await? {
            match answer.part.context("an empty answer")? {
                Part::ArrowIpc(bytes) => {
                    let mut bytes = Buffer::from(bytes);
                    while let Some(batch) = decoder.decode(&mut bytes)? {
                        batches.push(batch);
                    }
                }
                Part::ExportStarted(_) | Part::ExportProgress(_) => {}
                Part::Result(result) => return Ok((batches, result)),
            }
        }
        bail!("the answer has no end")
    }

    /// Starts an export and follows it to its end.
    async fn export(&self, statement: &str, request_id: &str) -> Result<v1::Export> {
        let mut service = ExportServiceClient::new(self.channel.clone());
        // Sent again with the same id, after a lost answer, it is the same export.
        let request = v1::StartExportRequest {
            statement: statement.to_owned(),
            session_id: self.session_id.clone(),
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        let started = service.start_export(request).await?.into_inner();
        let mut export = started.export.context("no export")?;
        let watch = v1::WatchExportRequest {
            name: export.name.clone(),
        };
        let mut steps = service.watch_export(watch).await?.into_inner();
        while let Some(step) = steps.message().await? {
            export = step.export.context("no export")?;
        }
        Ok(export)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, password_file, folder] = &arguments[..] else {
        bail!("usage: client ADDRESS PASSWORD_FILE FOLDER");
    };
    let password = std::fs::read_to_string(password_file)?;
    let client = Client::connect(address, "root", password.trim()).await?;

    let request = v1::CreateStageRequest {
        stage_id: "rust".to_owned(),
        stage: Some(v1::Stage {
            url: format!("file://{folder}"),
            enabled: Some(true),
            ..Default::default()
        }),
        ..Default::default()
    };
    let made = StageServiceClient::new(client.channel.clone())
        .create_stage(request)
        .await?;
    println!("made {}", made.into_inner().stage.context("no stage")?.name);

    client
        .execute("CREATE TABLE of_rust (id int, name varchar(20))")
        .await?;
    let (_, inserted) = client
        .execute("INSERT INTO of_rust VALUES (1, 'one'), (2, NULL)")
        .await?;
    println!("inserted {}", inserted.affected_rows);

    let statement = "SELECT * FROM of_rust ORDER BY id INTO OUTFILE 'stage://rust/rows.csv'";
    let export = client
        .export(statement, "the export of the example")
        .await?;
    let files: Vec<&str> = export.files.iter().map(|file| file.path.as_str()).collect();
    println!("{} {} {files:?}", export.state().as_str_name(), export.rows);

    let (rows, _) = client
        .execute("SELECT id, name FROM of_rust ORDER BY id")
        .await?;
    let options = FormatOptions::new().with_null("NULL");
    for batch in &rows {
        let columns: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns
                .iter()
                .map(|column| column.value(row).to_string())
                .collect();
            println!("{}", cells.join(" "));
        }
    }

    if let Err(error) = client.execute("SELECT * FROM nothing").await
        && let Some(status) = error.downcast_ref::<Status>()
    {
        let reason = status.get_details_error_info().map(|info| info.reason);
        println!("{:?} {reason:?} {}", status.code(), status.message());
    }
    Ok(())
}

//! The programs of `examples/`, run as their README says, and reflection as clients without the proto files use it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::serve_process::ServeProcess;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a program against a server of its own: it is given the address, the file with the password and a folder.
fn against_a_server(program: impl FnOnce(&str, &Path, &Path) -> Output) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut server = ServeProcess::start("", folder.path(), &[]);
    let address = server.address();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let output = program(&address, &folder.path().join("root.password"), &out);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let rows = std::fs::read_to_string(out.join("rows.csv")).unwrap();
    assert_eq!(rows, "id,name\n1,\"one\"\n2,\\N\n");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_client_in_rust_does_what_it_says() {
    let stagedoor = crate::harness::binary();
    let client = stagedoor.with_file_name("examples").join("client");
    assert!(
        client.exists(),
        "{} is missing: cargo build --workspace --all-targets",
        client.display()
    );
    let told = against_a_server(|address, password, out| {
        let mut client = Command::new(client);
        client.arg(address).arg(password).arg(out).output().unwrap()
    });
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines,
        [
            "made stages/rust",
            "inserted 2",
            "EXPORT_STATE_COMMITTED 2 [\"rows.csv\"]",
            "1 one",
            "2 NULL",
            "NotFound Some(\"TABLE_NOT_FOUND\") Table 'main.nothing' doesn't exist",
        ]
    );
}

mod real_servers {
    //! With Python's grpcio.

    use super::*;

    fn python() -> Command {
        let python = std::env::var("STAGEDOOR_PYTHON")
            .expect("STAGEDOOR_PYTHON names a Python with grpcio-tools: run `cargo xtask test`");
        Command::new(python)
    }

    #[test]
    fn the_client_in_python_does_what_it_says() {
        let generated = tempfile::tempdir().unwrap();
        let protos = root().join("proto/stagedoor/v1");
        let mut compile = python();
        compile
            .args(["-m", "grpc_tools.protoc", "-I"])
            .arg(root().join("proto"))
            .arg(format!("--python_out={}", generated.path().display()))
            .arg(format!("--grpc_python_out={}", generated.path().display()));
        for entry in std::fs::read_dir(protos).unwrap() {
            compile.arg(entry.unwrap().path());
        }
        let compiled = compile.output().unwrap();
        let errors = String::from_utf8_lossy(&compiled.stderr);
        assert!(compiled.status.success(), "{errors}");
        let told = against_a_server(|address, password, out| {
            let mut client = python();
            client
                .env("PYTHONPATH", generated.path())
                .arg(root().join("examples/python/client.py"))
                .arg(address)
                .arg(password)
                .arg(out);
            client.output().unwrap()
        });
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines,
            [
                "made stages/python",
                "inserted 2",
                "EXPORT_STATE_COMMITTED 2 ['rows.csv']",
                "[{'id': 1, 'name': 'one'}, {'id': 2, 'name': None}]",
                "NOT_FOUND Table 'main.nothing' doesn't exist",
            ]
        );
    }

    /// Everything that a client finds without the proto files, and a call by what it has found.
    const REFLECTION: &str = r#"
import base64, sys
import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
address, password_file = sys.argv[1:]
channel = grpc.insecure_channel(address)
database = ProtoReflectionDescriptorDatabase(channel)
services = sorted(database.get_services())
print(*services)
own = [name for name in services if name.startswith("stagedoor.")]
pool = descriptor_pool.DescriptorPool(database)
for name in services:
    if name.startswith("stagedoor."):
        service = pool.FindServiceByName(name)
        assert service.methods, name
        for method in service.methods:
            assert method.input_type.name == method.name + "Request", method.full_name
# The same over v1, which has the same messages under another name.
ask = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
    response_deserializer=reflection_pb2.ServerReflectionResponse.FromString)
answer = next(ask(iter([reflection_pb2.ServerReflectionRequest(list_services="")])))
found = sorted(s.name for s in answer.list_services_response.service)
assert [name for name in found if name.startswith("stagedoor.")] == own, found
method = pool.FindMethodByName("stagedoor.v1.StageService.ListStages")
request, response = (message_factory.GetMessageClass(kind) for kind in (method.input_type, method.output_type))
call = channel.unary_unary("/stagedoor.v1.StageService/ListStages",
    request_serializer=request.SerializeToString, response_deserializer=response.FromString)
basic = base64.b64encode(b"root:" + open(password_file, "rb").read().strip()).decode()
print(len(call(request(page_size=5), metadata=(("authorization", "Basic " + basic),)).stages))
try:
    call(request())
except grpc.RpcError as error:
    print(error.code().name)
"#;

    #[test]
    fn a_client_without_the_proto_files_finds_every_service() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = ServeProcess::start("", folder.path(), &[]);
        let address = server.address();
        let output = python()
            .args(["-c", REFLECTION, &address])
            .arg(folder.path().join("root.password"))
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let told = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = told.lines().collect();
        for service in [
            "stagedoor.v1.StageService",
            "stagedoor.v1.ExportService",
            "stagedoor.v1.FileService",
            "stagedoor.v1.SqlService",
            "stagedoor.v1.AccountService",
            "stagedoor.v1.AdminService",
        ] {
            assert!(lines[0].split(' ').any(|name| name == service), "{told}");
        }
        assert_eq!(lines[1..], ["0", "UNAUTHENTICATED"]);
    }
}

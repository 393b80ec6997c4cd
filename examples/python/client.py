"""A client of stagedoor.v1: client.py ADDRESS PASSWORD_FILE FOLDER

Makes a stage over FOLDER and a table, exports the table to the stage, and reads rows as Arrow.
"""

import base64
import io
import sys
import uuid

import grpc
import pyarrow as pa

from stagedoor.v1 import export_pb2, export_pb2_grpc, sql_pb2, sql_pb2_grpc, stage_pb2, stage_pb2_grpc


class Client:
    def __init__(self, address, user, password):
        # Off this machine: grpc.secure_channel, for a password in plain text can be read on the way.
        channel = grpc.insecure_channel(address)
        self.login = (("authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()),)
        self.sql = sql_pb2_grpc.SqlServiceStub(channel)
        self.stages = stage_pb2_grpc.StageServiceStub(channel)
        self.exports = export_pb2_grpc.ExportServiceStub(channel)
        opened = self.sql.OpenSession(sql_pb2.OpenSessionRequest(), metadata=self.login)
        self.session_id = opened.session_id

    def execute(self, statement):
        """Runs a statement; gives its rows as a table of Arrow, or None, and how it ended."""
        request = sql_pb2.ExecuteRequest(session_id=self.session_id, statement=statement)
        stream, result = io.BytesIO(), None
        for answer in self.sql.Execute(request, metadata=self.login):
            part = answer.WhichOneof("part")
            if part == "arrow_ipc":
                stream.write(answer.arrow_ipc)
            elif part == "result":
                result = answer.result
        rows = pa.ipc.open_stream(stream.getvalue()).read_all() if stream.tell() else None
        return rows, result

    def export(self, statement):
        """Starts an export and follows it to its end."""
        # Sent again with the same id, after a lost answer, it is the same export.
        request = export_pb2.StartExportRequest(
            statement=statement, session_id=self.session_id, request_id=str(uuid.uuid4())
        )
        export = self.exports.StartExport(request, metadata=self.login).export
        watch = export_pb2.WatchExportRequest(name=export.name)
        for step in self.exports.WatchExport(watch, metadata=self.login):
            export = step.export
        return export


def main():
    address, password_file, folder = sys.argv[1:]
    with open(password_file) as file:
        client = Client(address, "root", file.read().strip())
    stage = stage_pb2.Stage(url=f"file://{folder}", enabled=True)
    request = stage_pb2.CreateStageRequest(stage_id="python", stage=stage, request_id=str(uuid.uuid4()))
    print("made", client.stages.CreateStage(request, metadata=client.login).stage.name)

    client.execute("CREATE TABLE of_python (id int, name varchar(20))")
    _, result = client.execute("INSERT INTO of_python VALUES (1, 'one'), (2, NULL)")
    print("inserted", result.affected_rows)

    export = client.export("SELECT * FROM of_python ORDER BY id INTO OUTFILE 'stage://python/rows.csv'")
    print(export_pb2.ExportState.Name(export.state), export.rows, [file.path for file in export.files])

    rows, _ = client.execute("SELECT id, name FROM of_python ORDER BY id")
    print(rows.to_pylist())

    try:
        client.execute("SELECT * FROM nothing")
    except grpc.RpcError as error:
        print(error.code().name, error.details())


if __name__ == "__main__":
    main()

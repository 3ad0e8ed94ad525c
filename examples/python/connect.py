"""Connects a new bucket to a Dataloop project and waits until it is ready.

    export API_URL=https://API_ID.execute-api.REGION.amazonaws.com
    python connect.py acme-images dataloop-dev-acme-images PROJECT_ID "Acme images"

The last argument is the name of a new dataset on the bucket. Leave it out for none.
Needs botocore, which comes with boto3. Credentials and region come from where the AWS CLI finds them.
"""

import json
import os
import sys
import time
import uuid

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.session import Session

API_URL = os.environ["API_URL"].rstrip("/")
session = Session()
# botocore itself reads AWS_DEFAULT_REGION alone.
region = os.environ.get("AWS_REGION") or session.get_config_variable("region")
http = URLLib3Session(verify=session.get_config_variable("ca_bundle") or True)


def call(method, path, body=None, key=None):
    """One call of the API. Comes again where the service asks for that; a key makes this safe."""
    headers = {"content-type": "application/json"} if body else {}
    if key:
        headers["idempotency-key"] = key
    for attempt in range(10):
        request = AWSRequest(method, API_URL + path, headers=headers, data=json.dumps(body) if body else None)
        # Signed for each attempt: a signature holds for minutes only.
        credentials = session.get_credentials().get_frozen_credentials()
        SigV4Auth(credentials, "execute-api", region).add_auth(request)
        answer = http.send(request.prepare())
        if answer.status_code not in (429, 502, 503, 504):
            break
        time.sleep(float(answer.headers.get("retry-after", min(2**attempt, 10))))
    content = json.loads(answer.text)
    if answer.status_code >= 400:
        # The API says what is wrong, and with which field; API Gateway only has a message.
        reasons = [f"{error['pointer']}: {error['detail']}" for error in content.get("errors", [])]
        sys.exit("\n".join([f"{answer.status_code} {content.get('detail', content.get('message'))}", *reasons]))
    return content


def main(name, bucket, project_id, dataset=None):
    # Send the same key again if you lose the answer: the bucket is connected once.
    key = str(uuid.uuid4())
    request = {"name": name, "bucket": {"name": bucket}, "dataloop": {"projectId": project_id}}
    if dataset:
        request["dataset"] = {"name": dataset}
    integration = call("POST", "/integrations", request, key)
    print(f"{integration['integrationId']} (Idempotency-Key {key})", file=sys.stderr)
    while integration["status"] in ("provisioning", "rolling-back"):
        time.sleep(2)
        integration = call("GET", integration["links"]["self"])
    for left in integration["residue"]:
        print(f"Left: {left['type']}: {left['reason']} {left['advice']}", file=sys.stderr)
    if integration["status"] != "ready":
        error = integration.get("error", {})
        sys.exit(f"{integration['status']} at {error.get('step')}: {error.get('detail')}")
    # The dataset with its id, and how many items Dataloop found in the bucket.
    told = ("integrationId", "resources", "dataset")
    print(json.dumps({field: integration[field] for field in told if field in integration}))


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit("Usage: connect.py NAME BUCKET PROJECT_ID [DATASET]")
    main(*sys.argv[1:])

"""Dataloop's own Python SDK, logged in to the sandbox. Reads SANDBOX (its description as JSON) and NAME."""

import json
import os

import dtlpy as dl

sandbox = json.loads(os.environ["SANDBOX"])
name = os.environ["NAME"]

dl.client_api.add_environment(
    environment=sandbox["apiUrl"],
    # A file of authorities, as the requests library takes it.
    verify_ssl=os.environ["AWS_CA_BUNDLE"],
    gate_url=sandbox["apiUrl"].removesuffix("/api/v1"),
    alias="sandbox",
)
dl.client_api.setenv("sandbox")
dl.client_api.login_api_key(sandbox["token"])

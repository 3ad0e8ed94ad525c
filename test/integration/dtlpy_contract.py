"""Dataloop's own Python SDK against the sandbox, unchanged: every call that this project's flow needs.

Prints one line of JSON: call -> what the SDK made of the answer.
"""

import json

from dtlpy_session import dl, name, sandbox

found = {}

found["login_m2m"] = dl.client_api.login_m2m(sandbox["username"], sandbox["password"], force=True)
organization = dl.organizations.get(organization_id=sandbox["organizationId"])
found["organization"] = organization.id
found["organizations"] = [each.id for each in dl.organizations.list()]
project = dl.projects.get(project_id=sandbox["projectId"])
found["project"] = [project.id, project.org["id"]]
found["project by name"] = dl.projects.get(project_name=project.name).id

integration = organization.integrations.create(dl.IntegrationType.AWS_CROSS_ACCOUNT, name, {})
found["created"] = [integration.name, integration.type, integration.org]
metadata = {entry["name"]: entry.get("value") for entry in integration.metadata}
found["userArn"] = metadata["userArn"]
found["status"] = metadata["status"]
organization.integrations.update(
    integrations_id=integration.id,
    integration=integration,
    new_name=f"{name}-renamed",
    new_options={"roleArn": f"arn:aws:iam::111111111111:role/{name}"},
)
again = organization.integrations.get(integrations_id=integration.id)
found["updated"] = [again.name, {entry["name"]: entry.get("value") for entry in again.metadata}["status"]]
found["listed"] = integration.id in [each["id"] for each in organization.integrations.list()]

driver = project.drivers.create(
    name=name,
    driver_type=dl.ExternalStorage.S3,
    integration_id=integration.id,
    integration_type=dl.IntegrationType.AWS_CROSS_ACCOUNT,
    bucket_name="dataloop-bucket",
    region="eu-west-1",
    path="folder",
    allow_external_delete=False,
)
found["driver"] = [driver.name, driver.bucket_name, driver.integration_id == integration.id, driver.path]
found["driver by id"] = project.drivers.get(driver_id=driver.id).id == driver.id
found["driver by name"] = project.drivers.get(driver_name=name).id == driver.id
found["drivers"] = [each.name for each in project.drivers.list() if each.name == name]
dataset = project.datasets.create(dataset_name=name, driver=driver)
found["dataset"] = [dataset.name, dataset.driver == driver.id]
found["datasets"] = [each.driver == driver.id for each in project.datasets.list(name=name)]
found["dataset by id"] = project.datasets.get(dataset_id=dataset.id).id == dataset.id
try:
    project.drivers.delete(driver_id=driver.id, sure=True, really=True)
except dl.exceptions.BadRequest:
    found["driver in use"] = "BadRequest"
command = project.datasets.sync(dataset_id=dataset.id, wait=False)
found["sync"] = command.spec["datasetId"] == dataset.id
try:
    # The role of this integration is of nobody: so the sync fails, and its command says so.
    command.wait()
except dl.exceptions.FailedDependency as error:
    found["command"] = type(error).__name__
found["dataset deleted"] = project.datasets.delete(dataset_id=dataset.id, sure=True, really=True)
found["driver deleted"] = project.drivers.delete(driver_id=driver.id, sure=True, really=True)
found["deleted"] = organization.integrations.delete(integrations_id=integration.id, sure=True, really=True)
try:
    organization.integrations.get(integrations_id=integration.id)
except dl.exceptions.NotFound:
    found["gone"] = "NotFound"

print(json.dumps(found))

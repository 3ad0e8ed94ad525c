"""The same SDK on a dataset that the service created: a sync that succeeds, an import, and its end.

Reads DATASET (its id) and OBJECT (bucket and key) besides. Prints one line of JSON.
"""

import json
import os

from dtlpy_session import dl, sandbox

found = {}
project = dl.projects.get(project_id=sandbox["projectId"])
dataset = project.datasets.get(dataset_id=os.environ["DATASET"])
found["synced"] = project.datasets.sync(dataset_id=dataset.id)
found["items"] = [item.filename for item in dataset.items.list().all()]
imported = dataset.items.upload(
    local_path=f"external://{os.environ['OBJECT']}", remote_path="/again", remote_name="b.jpg"
)
found["imported"] = imported.filename
found["item deleted"] = dataset.items.delete(item_id=imported.id)
found["left"] = dataset.items.list().items_count
print(json.dumps(found))

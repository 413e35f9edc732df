"""Write the training room: one verb, one transaction."""

from training.services.claims import claim_run, record_outcome, request_cancel, requeue_run, skip_run
from training.services.freezing import freeze_dataset
from training.services.ledger import RunLedger
from training.services.model_import import import_model
from training.services.publishing import publish, publish_product, withdraw
from training.services.runs import Chain, create_chain, create_run

__all__ = [
    "Chain",
    "RunLedger",
    "claim_run",
    "create_chain",
    "create_run",
    "freeze_dataset",
    "import_model",
    "publish",
    "publish_product",
    "record_outcome",
    "request_cancel",
    "requeue_run",
    "skip_run",
    "withdraw",
]

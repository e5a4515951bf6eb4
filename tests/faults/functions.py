"""The functions' own `main.py`, each as a process that can die: wired as in the cloud, over clients that may fail."""

import json
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Iterator

import pytest
from flask import Request, Response
from google.api_core import exceptions
from tests.fakes import FakeClock, FakeWheels
from tests.faults.clusters import TestCluster
from tests.faults.injection import Crash, FaultyClient, Injector, Process
from tests.faults.transport import CloudTasks, FaultyTransport, PubSub
from werkzeug.test import EnvironBuilder

from provider_hub import wiring
from provider_hub.adapters import firestore, kubernetes, pubsub, tasks
from provider_hub.adapters.firestore import FirestoreStore
from provider_hub.adapters.pubsub import PubSubPublisher
from provider_hub.adapters.tasks import CloudTasks as TasksAdapter
from provider_hub.domain.identity import CustomerPrincipal, Machine, OrganizationClaims
from provider_hub.settings import Settings

_FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
DEADLINES_URL = "http://deadlines"
UPGRADES_URL = "http://upgrades"
_CODE: dict[str, Any] = {}

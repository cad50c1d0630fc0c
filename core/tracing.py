"""Traces of requests and tasks for OpenTelemetry, connected by the id that tasks carry in their headers.

Imported only where OTEL_EXPORTER_OTLP_ENDPOINT is set: its packages are of requirements/production.txt.
"""

from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.status import Status

# An address may hold a name or a key; the span is named by its route.
ADDRESSES = frozenset({"http.url", "http.target", "url.full", "url.path", "url.query"})


def start(endpoint: str) -> None:
    """Send spans to the collector from now on."""
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")
    trace.set_tracer_provider(provider_for(BatchSpanProcessor(exporter)))
    DjangoInstrumentor().instrument()
    instrumentor: Any = CeleryInstrumentor
    instrumentor().instrument()


def provider_for(processor: SpanProcessor) -> TracerProvider:
    """Spans go to the processor without people in them."""
    provider = TracerProvider(resource=Resource.create({"service.name": "appointments"}))
    provider.add_span_processor(WithoutPeople(processor))
    return provider


class WithoutPeople(SpanProcessor):
    """Passes on spans without addresses and without what an error said, which may quote a row."""

    def __init__(self, processor: SpanProcessor) -> None:
        self._processor = processor

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self._processor.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        kept = {name: value for name, value in (span.attributes or {}).items() if name not in ADDRESSES}
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=span.context,
                parent=span.parent,
                resource=span.resource,
                attributes=kept,
                links=span.links,
                kind=span.kind,
                status=Status(span.status.status_code),
                start_time=span.start_time,
                end_time=span.end_time,
                instrumentation_scope=span.instrumentation_scope,
            )
        )

    def shutdown(self) -> None:
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._processor.force_flush(timeout_millis)

"""The service that a door belongs to."""

from typing import Annotated

from fastapi import Depends, Request

from service.core.service import Service


async def service_of(request: Request) -> Service:  # async: it takes no thread of the pool
    """The service that a request is sent to."""
    service: Service = request.app.state.service
    return service


Here = Annotated[Service, Depends(service_of)]

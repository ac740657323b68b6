from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from parking_share import clock
from parking_share.notices import selectors, services
from parking_share.web.access import PersonalRequest, signed_in

NOTICES_A_PAGE = 20


@require_safe
@signed_in
def notice_list(request: PersonalRequest) -> HttpResponse:
    page = Paginator(selectors.notices_of(request.user), NOTICES_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "driver/notices.html", {"page_obj": page})


@require_POST
@signed_in
def mark_read(request: PersonalRequest) -> HttpResponse:
    services.mark_read(recipient=request.user, now=clock.now())
    return redirect("web:notices")

"""Rows that an operator settles in the admin with a reason: the row keeps it, and so does the history."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from parking_share.admin_tools import ReadOnly, do_or_say_why, whoever_asks
from parking_share.fulfilment.closing import LONGEST_NOTE, SHORTEST_NOTE


class NoteForm(forms.Form):
    note = forms.CharField(label=_("Reason"), min_length=SHORTEST_NOTE, max_length=LONGEST_NOTE)


class SettledWithANote(ReadOnly):
    """What `settle_row` does is offered on the row's page to whoever may change such rows."""

    change_form_template = "admin/fulfilment/settled_row.html"
    settle_title: ClassVar[Any]

    def get_urls(self) -> list[URLPattern]:
        return [
            path("<int:row_id>/settle/", self.admin_site.admin_view(self.settle), name=self._route),
            *super().get_urls(),
        ]

    @property
    def _route(self) -> str:
        return f"fulfilment_{self.opts.model_name}_settle"

    def settle_row(self, row_id: int, **given: Any) -> None:
        """Settle it in the name of the actor, with the note, now."""
        raise NotImplementedError

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"fulfilment.change_{self.opts.model_name}")

    def settle(self, request: HttpRequest, row_id: int) -> HttpResponse:
        """Ask for the reason, then settle."""
        if not self.has_settle_permission(request):
            raise PermissionDenied
        row = get_object_or_404(self.get_queryset(request), pk=row_id)
        form = NoteForm(request.POST or None)
        if form.is_valid():
            note, actor = form.cleaned_data["note"], whoever_asks(request)
            if do_or_say_why(request, lambda: self.settle_row(row.pk, actor=actor, note=note)):
                self.log_change(request, row, str(self.settle_title))
                messages.success(request, _("Done; the history says who did it."))
            return redirect(f"admin:fulfilment_{self.opts.model_name}_change", row.pk)
        context = self.admin_site.each_context(request) | {
            "title": self.settle_title,
            "row": row,
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/fulfilment/settle.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {"settle_title": self.settle_title, "may_settle": self.has_settle_permission(request)}
        return super().change_view(
            request, object_id, form_url, (extra_context or {}) | shown | {"settle_route": f"admin:{self._route}"}
        )

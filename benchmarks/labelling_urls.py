"""The site's addresses, and a view with the login, membership and field checks of a label, that writes nothing."""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import Act, signed_in
from annotation import selectors, serializers
from config.urls import urlpatterns as site


class NothingWritten(APIView):
    def put(self, request: Request, pk: int) -> Response:
        patch = selectors.get_patch(signed_in(request.user), pk, Act.LABEL)
        decision = serializers.LabelDecisionSerializer(data=request.data)
        decision.is_valid(raise_exception=True)
        return Response({"id": 0, "patch": patch.pk, "value": decision.validated_data["value"], "created_at": None})


urlpatterns = [*site, path("benchmark/patches/<int:pk>/", NothingWritten.as_view())]

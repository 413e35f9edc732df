from django.urls import path

from review import views

urlpatterns = [
    path("projects/<slug:slug>/review/", views.review_list, name="review-list"),
    path("review/<int:pk>/", views.review, name="review"),
    path("review/<int:pk>/report.pdf", views.report, name="review-report"),
    path("review/<int:pk>/numbers.csv", views.report_csv, name="review-csv"),
    path("review/<int:pk>/strips.png", views.strips, name="review-strips"),
]
